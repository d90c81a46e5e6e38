//! The faults that the client itself can find. Their codes are of the 2000s.

selat_complaint::explanations! {
    SOCKET_MISSING = "SLT-2101", Unreachable,
        "no node listens at the socket",
        "Officers' commands talk to the local node through a Unix socket. There is no socket at the path that was tried: \
         the node is not running, or it keeps its socket elsewhere.",
        ["selat serve", "selat --socket PATH status", "export SELAT_SOCKET=PATH"];
    SOCKET_FORBIDDEN = "SLT-2102", Denied,
        "this user may not open the node's socket",
        "The socket belongs to the node's user and to one group (mode 0660). Whoever is not in the group cannot talk to \
         the node at all; which officer a member of the group is, the node's configuration says.",
        ["ask the operator to add your user to the group that owns the socket, then sign in again"];
    NODE_UNREACHABLE = "SLT-2103", Unreachable,
        "the node cannot be reached",
        "A connection to the node could not be made, or it broke before the answer was complete. Reading again is safe. \
         After a write that broke off, look first whether it took place.",
        ["selat status", "selat serve"];
    TLS_REFUSED = "SLT-2104", Unreachable,
        "the node or the officer's certificate was not accepted",
        "With --node the client and the node show each other certificates of the node's officer authority. One side did \
         not accept the other's: expired, made by another authority, or for another host name.",
        ["ask the operator for a new officer certificate", "compare the host in --node with the node's configuration"];
    OFFICER_CERTIFICATE = "SLT-2105", Usage,
        "the officer's certificate cannot be read",
        "--officer-cert names a folder with the officer's certificate, its secret key and the certificate of the officer \
         authority, as the operator handed it out.",
        ["selat --officer-cert DIR --node https://HOST:PORT status"];
    NODE_ADDRESS = "SLT-2106", Usage,
        "the address of the node is not usable",
        "--node takes https://HOST:PORT and needs --officer-cert. Without --node the client uses the Unix socket.",
        ["selat --node https://HOST:PORT --officer-cert DIR status"];
    REFUSED_WITHOUT_CODE = "SLT-2110", Unexpected,
        "the node refused and gave no code of its own",
        "Refusals of the node normally carry a code and a mend. This one does not: it may come from the transport, or \
         from a node of another version. The cause line is all that is known; the exit code follows the gRPC status.",
        ["selat status", "look into the node's log at the time of the command"];
    FILE_UNREADABLE = "SLT-2202", Usage,
        "a file cannot be read or written",
        "A file that the command line names does not exist, is not readable or writable for this user, or is not text \
         in UTF-8.",
        ["check the path and its permissions"];
    FILE_TOO_LARGE = "SLT-2203", Usage,
        "a file is larger than this kind of file may be",
        "Drafts, descriptors and mappings are small. The client refuses a larger file before it reads it into memory.",
        ["check that the right file was named", "selat record import FILE --map MAP"];
    DRAFT_FAULTY = "SLT-2204", Usage,
        "the draft of a record is not valid",
        "A draft is one JSON object in the form that `selat record get --draft` prints. Each fault names the field and \
         what is wrong with it; all faults are listed at once.",
        ["mend the fields that the cause names", "selat record get ID --draft"];
    NOBODY_TO_ASK = "SLT-2205", Usage,
        "a question must be answered and there is no terminal to ask on",
        "Commands that cannot be undone ask before they act. Without a terminal nobody can answer, and the client never \
         takes silence for a yes.",
        ["give the answer on the command line: --yes, or --phrase for selat peer approve"];
    NOT_CONFIRMED = "SLT-2206", Usage,
        "not confirmed, so nothing was done",
        "The word that was typed is not the one that was asked for.",
        ["run the command again and type the word exactly as shown"];
    NO_CRITERION = "SLT-2207", Usage,
        "a search needs at least one criterion",
        "A question without name, document, conveyance, country or date would ask for everything that a peer holds.",
        ["selat search 'Siti Rahmah' --purpose visa --case V-12", "selat search --document P1234567 --purpose visa --case V-12"];
    PHRASE_SHAPE = "SLT-2208", Usage,
        "a safety phrase has twelve words",
        "Both sides see the same twelve words only if nobody put a descriptor of their own in between. Type all twelve \
         as the other side reads them out, not as your own screen shows them.",
        ["selat peer approve PEER --phrase 'w1 w2 ... w12' --channel 'video call'"];
    COLUMN_UNKNOWN = "SLT-2209", Usage,
        "no such column",
        "--columns takes the names in the first line of the table, in any order. Only commands that print a table of \
         rows know it.",
        ["run the command without --columns to see the names"];
    FORM_UNSUITED = "SLT-2210", Usage,
        "this command has no such form of output",
        "An export is for machines: JSON Lines, one signed record per line.",
        ["selat record export --output jsonl"];
    DESCRIPTOR_FILE = "SLT-2211", Usage,
        "the file does not hold what this command takes",
        "A descriptor is a text file with a block \"SELAT DESCRIPTOR\" for each version, ascending; a draft has one block \
         \"SELAT DESCRIPTOR DRAFT\". A file that is damaged on its way, cut short or changed by a mail program ends with \
         7: have it sent again.",
        ["check that the right file was named", "have the file sent again, as an attachment or on a stick"];
    DESCRIPTOR_REFUSED = "SLT-2212", Integrity,
        "the descriptor breaks a rule, so no peer accepts it",
        "A version follows on the one before by one, carries its hash, is signed by the threshold of its root keys and of \
         its own, and never brings a key back whose time is over. The cause names the rule and the version.",
        ["have the descriptor made again from the version that peers hold: selat descriptor draft --from FILE"];
    SIGNATURES_MISSING = "SLT-2213", Attention,
        "signatures of root keys are missing, so nothing was written",
        "A descriptor needs the threshold of its own root keys and of those of the version before. What was given so far \
         holds; more holders must sign the same draft.",
        [
            "have another holder sign: selat descriptor sign DRAFT --key KEY --file FILE",
            "keep what there is as a draft: selat descriptor combine DRAFT... --file FILE --partial",
        ];
    PREVIOUS_NEEDED = "SLT-2214", Usage,
        "the version before is needed",
        "Every version but the first must be signed by root keys of the version before too. Which those are stands in that \
         version alone.",
        ["name the version before: --previous FILE"];
    CHANGE_REFUSED = "SLT-2215", Usage,
        "this change cannot be drafted",
        "What peers would refuse is not drafted: a key that is not there, a key that would come back, a threshold that \
         nobody can meet, text that is too long. The cause names the change.",
        ["selat descriptor show FILE", "selat descriptor draft --help"];
    NOT_ITS_ROOT = "SLT-2216", Usage,
        "the key is no root key of this draft nor of the version before",
        "Only root keys that the draft or the version before lists as active sign a draft; any other signature would count \
         for nothing.",
        ["selat descriptor show DRAFT", "name the version before, if the key is one of its root keys: --previous FILE"];
    DRAFTS_DIFFER = "SLT-2217", Conflict,
        "the drafts do not say the same",
        "Signatures are joined only when everybody signed the very same draft, to the byte. Somebody signed another one.",
        ["see what differs: selat descriptor diff ONE OTHER", "have all sign the same file again"];
    KEY_FILE = "SLT-2218", Usage,
        "a key file cannot be used",
        "A key file is a text file for its owner alone (mode 0600), perhaps under a passphrase. One that is damaged ends \
         with 7; take the second copy.",
        ["check that the right file was named", "take the second copy of the key, or its backup: selat key restore"];
    PASSPHRASE = "SLT-2219", Usage,
        "there is no passphrase that could be used",
        "A passphrase has at least 12 characters; six words drawn by dice are good. It is asked for at the terminal or read \
         from the first line of a file for its owner alone, never taken from the command line.",
        ["chmod 600 the passphrase file, with the passphrase on its first line", "run the command at a terminal"];
    PEER_UNKNOWN = "SLT-2301", NotFound,
        "no such peer",
        "The node knows a peer once its descriptor has been joined.",
        ["selat peer list", "selat peer join FILE"];
    DRAFT_IN_THE_WAY = "SLT-2302", Conflict,
        "the file of the draft holds something else",
        "What was due has been done, but the draft could not be written: a file of that name is there and may hold the \
         signatures on another draft. Nothing is lost: the node gives the same draft again until it is published.",
        ["run the command again and name another file with --file", "move the other file away"];
    PLAN_FAULTY = "SLT-2303", Usage,
        "the file is not a plan",
        "`selat key apply` takes the file that `selat key plan PURPOSE --file FILE` wrote, as it is.",
        ["selat key plan PURPOSE --file plan.json"];
    KEY_UNKNOWN = "SLT-2304", NotFound,
        "no such key, or more than one",
        "A key is named by the first digits of its id, at least eight. They must be those of one key that the node holds \
         or that its descriptor names.",
        ["selat key status", "give more digits of the id"];
    REPLY_UNREADABLE = "SLT-2401", Unexpected,
        "the node's reply cannot be read",
        "The reply lacks something that every reply has, or holds something that this client does not know. Client and \
         node are probably of different versions.",
        ["use the client that came with the node: selat --version"];
    REPLY_CUT_SHORT = "SLT-2402", Partial,
        "the node ended its reply early",
        "A search ends with a summary and an import with an outcome for every row. The node stopped before that, most \
         likely because it was being shut down. What was shown holds; the rest is not known.",
        ["run the command again: searching is safe, and importing takes nothing twice"];
    MAPPING_FAULTY = "SLT-2501", Usage,
        "the mapping cannot be used for this file",
        "A mapping says which column becomes which field of a record. It has a fault, needs a file that was not given \
         with --join, or names columns that the file does not have.",
        ["mend the mapping where the cause says", "selat record import FILE --map MAP --join NAME=FILE --dry-run"];
    ROWS_REJECTED = "SLT-2502", Partial,
        "some rows did not go in",
        "Rows that cannot be mapped or that the node does not accept are left out and listed; all other rows are in. \
         Mend them in the file and import the whole file again: rows that went in are recognised and not taken twice.",
        ["selat record import FILE --map MAP --report rejected.csv"];
    OUTPUT_BROKEN = "SLT-2601", Unexpected,
        "the output cannot be written",
        "Writing to standard output failed, for example because the disk is full.",
        ["check the disk or the program that reads the output"];
    READER_GONE = "SLT-2602", Ok,
        "the reader of the output has gone",
        "The program that the output was piped into has stopped reading, as `head` does. The command stops without a word.",
        ["nothing needs mending"];
}
