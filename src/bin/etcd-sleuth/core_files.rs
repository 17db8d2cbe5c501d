//! Keys stay out of core files.

/// Switches core files off, and on Linux also other processes' view of this one's memory. Called before a key is read.
pub(crate) fn switch_off() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
        // Where neither can be done, a core file of this process would hold no more than that of any tool that decrypts.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
