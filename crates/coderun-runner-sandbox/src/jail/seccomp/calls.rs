//! Lists the system calls that no program in a sandbox may make, and those that only building one needs.

/// Calls that answer `ENOSYS`, so that a program tries another way.
pub(super) const ABSENT_EVERYWHERE: [i64; 16] = [
    // It would show which shared files other programs open.
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    // The machine has one number of such requests for all users (`fs.aio-max-nr`), which a program could use up.
    libc::SYS_io_setup,
    libc::SYS_memfd_secret,
    // Its arguments are in memory, where no filter sees them.
    libc::SYS_sched_setattr,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_shmget,
];

#[cfg(target_arch = "x86_64")]
pub(super) const ABSENT_ON_THIS_ARCHITECTURE: [i64; 1] = [libc::SYS_inotify_init];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const ABSENT_ON_THIS_ARCHITECTURE: [i64; 0] = [];

/// The same on all architectures.
const STATMOUNT: i64 = 457;
const LISTMOUNT: i64 = 458;

/// Calls that build a sandbox, and that no program in one may make.
pub(super) const BUILDING: [i64; 13] = [
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setgroups,
    libc::SYS_sethostname,
    libc::SYS_capset,
];

/// Calls that neither a program nor the launcher may make.
pub(super) const FORBIDDEN: [i64; 50] = [
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Files of the machine: a lock on one is visible, and blocks others, outside and in every other sandbox.
    libc::SYS_flock,
    // Mounts and roots.
    libc::SYS_chroot,
    libc::SYS_fspick,
    STATMOUNT,
    LISTMOUNT,
    // Namespaces.
    libc::SYS_setns,
    // Large and rarely needed parts of the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_vmsplice,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_get_mempolicy,
    libc::SYS_set_mempolicy_home_node,
    // The machine.
    libc::SYS_acct,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // Clocks.
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    // The identity of the process.
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_ioprio_set,
];

#[cfg(target_arch = "x86_64")]
pub(super) const FORBIDDEN_ON_X86_64: [i64; 5] = [
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS__sysctl,
];
