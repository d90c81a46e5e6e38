//! The faults that a node can find. Codes of the 1000s are told to whoever starts it or works on its files; those of the
//! 3000s travel to the desk with a refused call: the use-cases', which `exchange` raises, and the desk's own.

selat_complaint::explanations! {
    CONFIG_UNREADABLE = "SLT-1001", Usage,
        "the configuration cannot be read",
        "The file is not there, may not be opened by this user, is not UTF-8, or is larger than 256 KiB. `selat init` \
         writes one.",
        ["name the file with --config", "selat init"];
    CONFIG_SYNTAX = "SLT-1002", Usage,
        "a line of the configuration is not TOML",
        "The usual reasons: a text without double quotes, a quote that is not closed, a key or a section that stands there \
         twice. While any line is broken, missing keys are not reported: they may stand on that line.",
        ["mend the TOML of the line; texts stand in double quotes, lists in [ ]"];
    CONFIG_UNKNOWN = "SLT-1003", Usage,
        "the configuration has a key or section that the node does not know",
        "It is refused, not ignored: a mistyped key would otherwise leave a default in force that nobody chose. The \
         message lists the keys known in that place.",
        ["correct the key, or take it out"];
    CONFIG_MISSING = "SLT-1004", Usage,
        "a key that has no default is not there",
        "A few keys say what only the operator knows, such as whose node it is. The message shows a line to add.",
        ["add the line that the message shows"];
    CONFIG_WRONG_TYPE = "SLT-1005", Usage,
        "a value of the configuration has the wrong TOML type",
        "For example a number in quotes, or a text without them. The message shows a value of the right type.",
        ["write the value as the message shows it"];
    CONFIG_BAD_VALUE = "SLT-1006", Usage,
        "a value of the configuration cannot be used",
        "It has the right type, and is still a number outside its bounds, an address without a port, or a name with \
         letters that names cannot have. The message says what is allowed.",
        ["write a value that the message allows"];
    CONFIG_CONTRADICTION = "SLT-1007", Usage,
        "values of the configuration do not go together",
        "Each value is right by itself: two mappings for one caller, an answer that would leave after the query has \
         expired, a socket path that becomes too long with its folder.",
        ["change the value that the message names"];
    KEY_UNREADABLE = "SLT-1101", Usage,
        "a key file cannot be read",
        "The node needs the keys that its descriptor names, each in a file named by its purpose and the first digits of its \
         id (record-1a2b3c4d.key) or in its token, and storage.key, officer-ca.key and officer-ca.pem, in its keys folder \
         ([node] keys_dir). The files must belong to the user that the node runs as. A new storage key cannot open an old \
         store.",
        [
            "check keys_dir in the configuration, and that the file belongs to the node's user",
            "restore the file from the backup of the node's keys",
        ];
    KEY_EXPOSED = "SLT-1102", Usage,
        "others may read or write a key file",
        "The file's group or others have rights on it, so the key may have been copied. The node does not use it.",
        ["chmod 600 FILE", "replace the key if somebody may have read it"];
    KEY_NOT_A_KEY = "SLT-1103", Integrity,
        "a key file does not hold a key",
        "It is cut short, was edited, or is another kind of file.",
        ["restore the file from the backup of the node's keys"];
    KEY_MISPLACED = "SLT-1104", Usage,
        "a key file holds another key than belongs there",
        "The key is of another purpose or of another participant. One key has one purpose; a node never signs with \
         another's.",
        ["restore the file from the backup of the node's keys"];
    OWN_DESCRIPTOR = "SLT-1105", Integrity,
        "the node's own descriptor does not hold",
        "The descriptor says to the peers which keys this node signs with. The file cannot be read, its signatures do not \
         hold, it is another participant's, or it and the chain in the node's store are not one chain.",
        ["restore the descriptor and the keys that belong to it from the same backup"];
    KEY_LOCKED = "SLT-1106", Usage,
        "the key files cannot be opened with their passphrase",
        "Key files are plain text or under a passphrase, as [keys] protection says, all in the same way. The passphrase is \
         read from a file, from a credential of systemd, or typed; it is never an argument or an environment variable. What \
         was read is another passphrase, nothing was there to read, or the files are protected in another way than the \
         configuration says.",
        ["check protection, passphrase_file and credential in [keys]", "selat key restore, if the passphrase is lost"];
    TOKEN_UNUSABLE = "SLT-1107", Usage,
        "the token with the node's keys cannot be used",
        "The library of the token cannot be loaded, no token has the label that [keys.token] gives, the PIN is refused, or \
         a key in the token cannot be used for Ed25519 signatures. After too many wrong PINs a token locks itself: the node \
         tries once.",
        ["check module, label and pin_file in [keys.token]", "ask the maker's own tool what it sees in the token"];
    NO_KEY_IN_USE = "SLT-1108", Integrity,
        "a key that the node signs with is not held",
        "The node's own descriptor says which keys sign at this moment, and for one purpose none of them is among the keys \
         that the node holds. It cannot serve anybody without it.",
        [
            "restore the keys from the backup: selat key restore",
            "if the key is lost, publish a descriptor that names another: selat descriptor draft",
        ];
    MEMORY_OPEN = "SLT-1109", Unexpected,
        "the program cannot keep its memory to itself",
        "Keys and passphrases are in the memory of the program while it works, so it has the system write no core dump of it, \
         whatever happens. The system refused, and nothing was done.",
        ["run the program on a system, or in a sandbox, that allows prctl(PR_SET_DUMPABLE)"];
    STORE_CLOSED = "SLT-1201", Unexpected,
        "the store cannot be opened",
        "Its folder ([node] data_dir) is missing, belongs to another user, or lies on a full or read-only disk. Nothing \
         was changed.",
        ["check that the data folder is there, is this user's and has room"];
    STORE_IN_USE = "SLT-1202", Conflict,
        "another process has the store open",
        "One node has one store, and one process writes it.",
        ["stop the other node, or give this one its own data_dir"];
    STORE_DAMAGED = "SLT-1203", Integrity,
        "the store does not hold",
        "A stored value does not match its checksum or cannot be opened with the storage key: the disk or another program \
         has changed it, or the keys are those of another store. The node does not go on with it.",
        [
            "keep a copy of the data folder before anything else is tried",
            "restore keys and store from backups that belong together",
        ];
    INIT_OCCUPIED = "SLT-1301", Conflict,
        "the folder for the new node is not empty",
        "`selat init` makes a new folder and never writes into one that holds files: keys that are overwritten cannot be \
         brought back.",
        ["name a folder that is not there yet, or move this one away"];
    INIT_UNWRITABLE = "SLT-1302", Unexpected,
        "the new node could not be written",
        "A file or folder could not be written. Unless the message says that the node was made, nothing of it is left \
         behind.",
        ["check that the parent folder is there, may be written by this user, and that the disk has room"];
    INIT_DESCRIPTOR = "SLT-1303", Usage,
        "the first descriptor could not be made",
        "Every peer would refuse a descriptor with what was given. Nothing was written.",
        ["change the value that the cause names"];
    INIT_AUTHORITY = "SLT-1304", Unexpected,
        "a certificate authority could not be made",
        "A new node gets an authority for its own certificates and one for its officers'. Nothing was written. The \
         likeliest reason is a clock that is far off.",
        ["check the system's clock"];
    INIT_KEY = "SLT-1305", Usage,
        "the keys of the new node could not be made",
        "Keys are made where --keys says: in files, or in a token that is set up and empty. Nothing was kept of what had \
         been made.",
        ["change what the cause names; selat init --help shows the ways to keep keys"];
    PORT_TAKEN = "SLT-1401", Conflict,
        "the node cannot listen at its address",
        "Another program listens there, the address is not one of this machine, or the port needs rights that the node's \
         user does not have.",
        ["stop what listens there, or change listen in the configuration"];
    SOCKET_UNOPENED = "SLT-1402", Conflict,
        "the desk's socket cannot be opened",
        "Another node listens at the path, something that is no socket lies there, or the folder or group of the socket \
         is not as the configuration says.",
        ["stop the other node, or change socket in the configuration"];
    CLOCK_SET_BACK = "SLT-1403", Attention,
        "the clock shows a time that this node has already passed",
        "The node notes the latest time it has known. It does not start before that time: it would take what has expired \
         for valid, and date new records before old ones. If the clock is right now and was ahead when the node ran, \
         `selat store accept-time` lets you answer for that: it shows both times, asks, and has the node go on from the \
         clock's. What was dated while the clock was ahead keeps its dates.",
        [
            "set the clock; the node needs a time service",
            "if the clock is right and was ahead before: selat store accept-time --config FILE",
        ];
    NOT_STARTED = "SLT-1404", Unexpected,
        "the node cannot run",
        "Something that no other code names kept the node from starting, or from stopping in order. The cause is all that \
         is known.",
        ["look at the cause and into the node's log", "selat init makes a sound node to compare with"];
    OFFICER_NOT_ENROLLED = "SLT-1501", Usage,
        "the officer's certificate cannot be made",
        "The certificate is made from the node's configuration, keys and descriptor and written into a new folder. One of \
         them cannot be used, or the folder is there already.",
        ["correct what the cause names; an existing folder is never written into"];
    KEYS_PLAIN = "SLT-1701", Attention,
        "the key files are not encrypted",
        "Key files are of mode 0600 and hold the keys as they are: whoever reads the disk, a copy of it or a backup of the \
         whole machine has them. With [keys] protection = \"passphrase\" or \"credential\" new key files are encrypted under a \
         passphrase, which systemd can hand over sealed to the machine. A key that was ever on the disk in plain stays \
         exposed by old copies of it: turn each key once afterwards.",
        [
            "set [keys] protection in the configuration, restart the node, then: selat key rotate PURPOSE, for each purpose",
        ];
    OFFICER_AUTHORITY_ENDS = "SLT-1702", Attention,
        "the certificate of the officers' authority is about to end",
        "Officers reach the desk over TLS with certificates of the local officer authority. No certificate lasts longer than \
         its authority's. The Unix socket does not depend on it, and neither do peers.",
        ["use the Unix socket until the node has a new officer authority; officers are enrolled again under it"];
    BACKUP_UNREADABLE = "SLT-1711", Usage,
        "a file of the backup cannot be read",
        "The backup, or the descriptor that it is held against, is not there, may not be opened by this user, or is far too \
         large to be one.",
        ["check the path and its permissions"];
    BACKUP_LOCKED = "SLT-1712", Usage,
        "the passphrase does not open the backup",
        "A backup is under one passphrase. The one that was given is another, has fewer than 12 characters, was typed one way \
         and then another, or could not be read. A file that was changed cannot be told from a wrong passphrase.",
        [
            "type the passphrase of this very backup; --passphrase-file names a file of mode 0600 whose first line it is",
            "try an older backup: selat key drill BACKUP",
        ];
    BACKUP_DAMAGED = "SLT-1713", Integrity,
        "the backup does not hold",
        "The file is cut short or was changed, or what is in it does not agree with its own list. Nothing of it was used.",
        ["take another copy of the backup, or an older one", "selat key backup --file FILE, while the node's keys are whole"];
    BACKUP_OCCUPIED = "SLT-1714", Conflict,
        "something lies where the backup or the keys would go",
        "Backups are never overwritten, and keys are restored only into a folder that is empty or not there: what is \
         overwritten cannot be brought back.",
        ["name a file that is not there yet", "selat key restore BACKUP --to DIR, with a fresh DIR"];
    BACKUP_UNWRITTEN = "SLT-1715", Unexpected,
        "the backup or the keys could not be written",
        "The folder is not there, may not be written by this user, or its disk is full. What was there before is as it was.",
        ["check the folder, its owner and the room on its disk"];
    DRILL_FAILED = "SLT-1716", Integrity,
        "the backup would not bring all keys back",
        "The drill restored the backup into a temporary place and had every key sign. A key that the descriptor names is \
         missing, did not sign, or a secret of the store or of the officers' authority did not come back. The usual reason: \
         the backup is older than the last turn of a key.",
        ["selat key backup --file FILE, then try that one"];

    DENIED = "SLT-3001", Denied,
        "a rule does not allow it",
        "The cause names the rule. A rule of the floor cannot be switched off by configuration; others depend on the \
         caller's role or on the handling of the record.",
        ["ask the operator which role may do this", "change the handling of the record, if it is yours"];
    NOT_HELD = "SLT-3002", NotFound,
        "no such record, or no such version of it",
        "The node holds nothing under this id. A record of a peer is here only once its originator has released it to this \
         participant and the node has followed the release.",
        ["selat record list", "selat record history ID"];
    NOT_ORIGINATOR = "SLT-3003", Conflict,
        "the record belongs to another participant",
        "Only the originator amends, withdraws or releases a record. What others hold are verified copies.",
        ["ask the contact desk of the originator to correct it"];
    VERSION_PASSED = "SLT-3004", Conflict,
        "somebody else has changed the record meanwhile",
        "A change names the version that it was made from, so that nobody overwrites work unseen. That version is \
         no longer the current one.",
        ["selat record get ID, then amend that version"];
    FAULTY_REQUEST = "SLT-3005", Usage,
        "the draft or the question has faults",
        "The node checks everything that it is given before it does anything. The cause names each field and what is \
         wrong with it.",
        ["correct the fields that the cause names and try again"];
    UNKNOWN_PEER = "SLT-3101", NotFound,
        "no such peer",
        "The node knows a participant as a peer once its descriptor has been joined.",
        ["selat peer list", "selat peer join FILE"];
    PEER_STATE = "SLT-3102", Conflict,
        "the state of the peer does not allow it",
        "A peer is first joined, then approved; only then does anything flow. The cause says which step is missing or \
         comes too late.",
        ["selat peer show PEER"];
    PHRASE_MISMATCH = "SLT-3103", Conflict,
        "the safety phrase does not match",
        "Both sides see the same twelve words only if both hold the same two descriptors. At least one side holds a wrong \
         one: a file of another day, or one that somebody has put in between. Nothing was approved.",
        ["exchange the descriptor files again and compare the phrase over another channel"];
    SEAL_BROKEN = "SLT-3104", Usage,
        "a signature or descriptor does not hold",
        "What was handed in was not signed by the keys that may sign it, was changed afterwards, has expired, does not \
         follow on the version that is held, or is of another federation. The cause says which rule and which version. \
         Nothing was taken in.",
        [
            "ask the other side to send the file of selat peer invite again",
            "of our own: selat descriptor verify FILE --previous OURS",
        ];
    DESCRIPTOR_UNREADABLE = "SLT-3105", Usage,
        "the descriptor file cannot be read",
        "The file is not what `selat peer invite` or `selat descriptor combine` writes: blocks of text, each of which \
         begins with BEGIN SELAT DESCRIPTOR. A draft counts with nobody before it has been combined. Mail programs \
         sometimes change or cut a file.",
        ["ask the other side to send the file of selat peer invite again", "of our own: selat descriptor combine"];
    AUTHORITY_UNFIT = "SLT-3106", Usage,
        "an authority certificate in the descriptor does not hold",
        "A descriptor brings the authorities that sign the peer's TLS certificates. Each must belong to the key beside it \
         and be constrained to names of that participant, so that it cannot speak for anyone else. This one does not.",
        ["ask the other side to make its node anew with selat init, or to repair its descriptor"];
    CHAIN_BROKEN = "SLT-3107", Usage,
        "the descriptor is not the next of its chain",
        "A descriptor is accepted only as the version after the one in force: one number on, with the hash of the one \
         before, signed by enough root keys of both. The cause names the version and the rule. Nothing was taken in.",
        ["selat descriptor show", "draft the next version from the one in force, and have the root holders sign it"];
    KEYS_NOT_HELD = "SLT-3108", Conflict,
        "the descriptor names keys that this node does not hold",
        "Once a descriptor is published, the node signs with the keys that it makes active. One of them is not held here, \
         so peers would refuse what the node signs. Nothing was published.",
        ["selat key status", "put the key file back from the backup, or draft with a key that this node made"];
    OWN_CHAIN = "SLT-3109", Conflict,
        "the descriptor file and the store are not one chain",
        "The node keeps every version of its descriptor in its store and beside it in a file. Versions that both hold must \
         be the same, and the later ones must follow on the earlier. The file is of another node, or was made anew.",
        ["put the descriptor file that this node wrote last back in its place"];
    NO_KEY = "SLT-3110", Conflict,
        "no key that may sign is held",
        "The node's own descriptor names the keys that may sign, and none of them is among the keys that the node holds. \
         Nothing was signed.",
        ["selat key status", "put the key file back from the backup, or publish a descriptor that names a key held here"];
    NO_WAY_FOR_KEY = "SLT-3111", Conflict,
        "there is no way to what is wanted of a key",
        "From where the keys stand now the goal cannot be reached: nothing would be left to sign with, or the key is \
         not where it would have to be. The cause says which. Nothing was changed.",
        ["selat key status", "selat key rotate PURPOSE --plan"];
    PLAN_CHANGED = "SLT-3112", Conflict,
        "things have changed since the plan was made",
        "A plan is applied only as it was shown. Since then a descriptor was published, a peer has acknowledged one, a \
         key was made or destroyed, or a time has come. Nothing was changed.",
        ["look at the plan again, then apply it"];
    KEY_HOME_FAILED = "SLT-3113", Unexpected,
        "the home of the keys failed",
        "The folder or the token in which the keys live did not make, describe or destroy one. What was done before \
         stays done; the same command goes on from there.",
        ["selat doctor", "put the folder or the token in order, then run the same command again"];
    NOT_RENEWED = "SLT-3130", Conflict,
        "the node's certificate was not renewed",
        "The authority key in use did not issue one: its secret cannot be reached, its own certificate has ended, or the \
         descriptor does not name it. The old certificate stays in force, and the node goes on trying by itself.",
        ["selat key status", "selat cert show", "selat key rotate tls-ca"];
    STORE_INCONSISTENT = "SLT-3201", Unexpected,
        "the store holds something that does not fit",
        "Two things in the store contradict each other, or content that it refers to is not there. The request was not \
         carried out.",
        ["look at the node's log; restart it if the disk is well", "keep a copy of the data folder"];
    STORE_FAILED = "SLT-3202", Unexpected,
        "the store failed",
        "The disk is full or broken, or a value does not match its checksum. The node's log says more. A change that was \
         under way may or may not have taken place: look before it is repeated.",
        ["look at the node's log; restart it if the disk is well"];
    BUSY = "SLT-3203", Conflict,
        "other changes came first",
        "Other changes to the same records came first again and again, so the node gave up. This request changed nothing.",
        ["try again"];
    CALLER_UNMAPPED = "SLT-3301", Denied,
        "the node does not know who calls",
        "The desk takes calls only from users, groups and officers' certificates that the configuration maps to an officer \
         with roles. This caller is not among them.",
        ["add a [[desk.caller]] section for it to the node's configuration and restart the node"];
}
