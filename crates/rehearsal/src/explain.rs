//! What can go wrong in a demonstration.

selat_complaint::explanations! {
    DEMO_FAILED = "SLT-1601", Unexpected,
        "the demonstration failed",
        "`selat demo` runs several nodes on this machine, in a folder of their own and on free ports of the loopback \
         address. The folder could not be made, a node did not start, or one did not do as the others expected.",
        ["name a folder that is not there yet with --dir; report it as a defect if that does not help"];
    DEMO_ENDLESS = "SLT-1602", Usage,
        "the result as JSON comes at the end",
        "Without --once the demonstration stays up after its story, so that the commands can be tried. It has no end at \
         which a result could be printed.",
        ["selat demo --once --output json"];
}
