//! The kernel struct fields that the programs read, by their BTF names.
//!
//! Offsets differ between kernels, so user space looks each one up in `/sys/kernel/btf/vmlinux`
//! and puts it into the frozen `OFFSETS` global (docs/adr/0001). A field whose name changed has
//! every name it ever had in this one table; exactly one of them must exist, but for fields of parts
//! that a kernel can be built without.

macro_rules! fields {
    ($( $(#[$doc:meta])* $name:ident = $first:literal $(or $other:literal)* $(, optional $lost:literal)? ; )*) => {
        /// Index into the `OFFSETS` global.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        #[allow(clippy::upper_case_acronyms, reason = "kernel names")]
        pub enum Field { $( $(#[$doc])* $name ),* }

        /// The names under which kernels know each field, in the order of [`Field`].
        pub const NAMES: &[&[&str]] = &[ $( &[$first $(, $other)*] ),* ];

        /// For each field that a kernel may lack: what is lost then (empty: nothing, as audit has it
        /// from the same part of the kernel). Its offset is [`MISSING`], and
        /// programs ask before they read it.
        pub const OPTIONAL: &[Option<&str>] = &[ $( fields!(@ $($lost)?) ),* ];
    };
    (@) => { None };
    (@ $lost:literal) => { Some($lost) };
}

fields! {
    TaskPid = "task_struct.pid";
    TaskTgid = "task_struct.tgid";
    TaskRealParent = "task_struct.real_parent";
    TaskCred = "task_struct.cred";
    TaskLoginuid = "task_struct.loginuid";
    TaskSessionid = "task_struct.sessionid";
    TaskPersonality = "task_struct.personality";
    TaskStartBoottime = "task_struct.start_boottime" or "task_struct.real_start_time";
    TaskGroupLeader = "task_struct.group_leader";
    TaskSelfExecId = "task_struct.self_exec_id";
    TaskComm = "task_struct.comm";
    TaskSignal = "task_struct.signal";
    TaskFs = "task_struct.fs";
    TaskFiles = "task_struct.files";
    TaskMm = "task_struct.mm";
    TaskStack = "task_struct.stack";
    /// x86: `TS_COMPAT` of `thread_info.status` says whether this is a 32-bit system call.
    TaskThreadStatus = "task_struct.thread_info.status";
    CredUid = "cred.uid";
    CredCaps = "cred.cap_inheritable";
    CredCapAmbient = "cred.cap_ambient";
    CredSecurity = "cred.security", optional "";
    AaLabelHname = "aa_label.hname", optional "";
    SignalLive = "signal_struct.live";
    SignalTty = "signal_struct.tty";
    TtyName = "tty_struct.name";
    FsPwd = "fs_struct.pwd";
    FsRoot = "fs_struct.root";
    FilesFdt = "files_struct.fdt";
    FdtableMaxFds = "fdtable.max_fds";
    FdtableFd = "fdtable.fd";
    FdtableOpenFds = "fdtable.open_fds";
    MmArgStart = "mm_struct.arg_start";
    MmArgEnd = "mm_struct.arg_end";
    MmExeFile = "mm_struct.exe_file";
    FilePath = "file.f_path";
    FileMode = "file.f_mode";
    FilePrivateData = "file.private_data";
    BpfProgAux = "bpf_prog.aux", optional "";
    BpfProgAuxId = "bpf_prog_aux.id", optional "";
    PathMnt = "path.mnt";
    PathDentry = "path.dentry";
    DentryParent = "dentry.d_parent";
    DentryName = "dentry.d_name.name" or "dentry.__d_name.name";
    DentryInode = "dentry.d_inode";
    DentryLruNext = "dentry.d_lru.next", optional "PARENT of an O_CREAT that finds an uncached file";
    DentryCount = "dentry.d_lockref.count", optional "PARENT of an O_CREAT that finds an uncached file";
    DentryHashPprev = "dentry.d_hash.pprev";
    VfsmountRoot = "vfsmount.mnt_root";
    MountMnt = "mount.mnt";
    MountParent = "mount.mnt_parent";
    MountMountpoint = "mount.mnt_mountpoint";
    InodeIno = "inode.i_ino";
    InodeMode = "inode.i_mode";
    InodeUid = "inode.i_uid";
    InodeGid = "inode.i_gid";
    InodeRdev = "inode.i_rdev";
    InodeNlink = "inode.i_nlink";
    InodeSb = "inode.i_sb";
    SbDev = "super_block.s_dev";
    InodeAtimeSec = "inode.i_atime_sec" or "inode.i_atime.tv_sec" or "inode.__i_atime.tv_sec";
    InodeAtimeNsec = "inode.i_atime_nsec" or "inode.i_atime.tv_nsec" or "inode.__i_atime.tv_nsec";
    InodeMtimeSec = "inode.i_mtime_sec" or "inode.i_mtime.tv_sec" or "inode.__i_mtime.tv_sec";
    InodeMtimeNsec = "inode.i_mtime_nsec" or "inode.i_mtime.tv_nsec" or "inode.__i_mtime.tv_nsec";
    InodeCtimeSec = "inode.i_ctime_sec" or "inode.i_ctime.tv_sec" or "inode.__i_ctime.tv_sec";
    InodeCtimeNsec = "inode.i_ctime_nsec" or "inode.i_ctime.tv_nsec" or "inode.__i_ctime.tv_nsec";
    FilenameName = "filename.name";
    UringRequestOpcode = "io_kiocb.opcode", optional "";
    UringRequestRing = "io_kiocb.ctx", optional "";
    UringRingFlags = "io_ring_ctx.flags", optional "";
    RenameOldDentry = "renamedata.old_dentry", optional "CREATE items of renames";
    RenameNewDentry = "renamedata.new_dentry", optional "CREATE items of renames";
    RenameFlags = "renamedata.flags", optional "CREATE items of renames";
    MsghdrName = "msghdr.msg_name";
    MsghdrNamelen = "msghdr.msg_namelen";
    NlmsgLen = "nlmsghdr.nlmsg_len";
    NlmsgType = "nlmsghdr.nlmsg_type";
    OpenFlagsFlag = "open_flags.open_flag";
    OpenFlagsMode = "open_flags.mode";
    TaskAuditContext = "task_struct.audit_context", optional "";
    AuditClockOffset = "audit_context.time.tk_injoffset", optional "";
    BprmFilename = "linux_binprm.filename";
    BprmInterp = "linux_binprm.interp";
    BprmFile = "linux_binprm.file";
    ModuleName = "module.name";
}

/// The offset of a field that the kernel lacks.
pub const MISSING: u32 = u32::MAX;

/// How many fields there are.
pub const COUNT: usize = NAMES.len();
