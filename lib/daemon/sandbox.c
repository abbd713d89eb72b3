/* SPDX-License-Identifier: ISC */
/*
 * A seccomp filter a role. The list below names what a helper has no business
 * with and why; the kernel ends the process with SIGSYS at the first try, and
 * afwrtd says so loudly. What libraries try out of habit and can live without
 * gets EACCES instead.
 *
 * To tighten it: run the tests with AFWRT_SECCOMP=log, collect with strace -c
 * what each role really calls on every libc and architecture that is
 * supported, turn the list of a role into what is allowed, and let the last
 * instruction be the one that kills.
 */
#include "config.h"

#include "sandbox.h"

#ifndef AFWRT_SANITIZERS

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__) && defined(__AARCH64EB__)
#define ARCH 0 /* the kernel has no name for it: no filter */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEB__)
#define ARCH AUDIT_ARCH_ARMEB
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__mips__) && defined(__MIPSEL__) && _MIPS_SIM == _ABIO32
#define ARCH AUDIT_ARCH_MIPSEL
#elif defined(__mips__) && _MIPS_SIM == _ABIO32
#define ARCH AUDIT_ARCH_MIPS
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#else
#define ARCH 0
#endif

#define ROLE(name) (1U << AFW_##name)
#define ALL        (ROLE(NET) | ROLE(TUN) | ROLE(AUTH))
#define OUTSIDE    (ROLE(TUN) | ROLE(AUTH)) /* read what strangers send */

enum action { END, REFUSE };

struct entry {
	int nr;
	unsigned int roles;
	enum action action;
};

static const struct entry entries[] = {
    /* no other program: a helper is one program for life */
    {SYS_execve, ALL, END},
    {SYS_execveat, ALL, END},
    /* no look into other processes */
    {SYS_ptrace, ALL, END},
    {SYS_process_vm_readv, ALL, END},
    {SYS_process_vm_writev, ALL, END},
    {SYS_kcmp, ALL, END},
#ifdef SYS_pidfd_getfd
    {SYS_pidfd_getfd, ALL, END},
#endif
    /* the file system stays as it is, the root stays empty */
    {SYS_mount, ALL, END},
    {SYS_umount2, ALL, END},
    {SYS_pivot_root, ALL, END},
    {SYS_chroot, ALL, END},
    {SYS_chdir, ALL, END},
    {SYS_fchdir, ALL, END},
    {SYS_unshare, ALL, END},
    {SYS_setns, ALL, END},
#ifdef SYS_open_tree
    {SYS_open_tree, ALL, END},
    {SYS_move_mount, ALL, END},
    {SYS_fsopen, ALL, END},
    {SYS_fsmount, ALL, END},
    {SYS_fsconfig, ALL, END},
    {SYS_fspick, ALL, END},
#endif
#ifdef SYS_mount_setattr
    {SYS_mount_setattr, ALL, END},
#endif
    {SYS_fanotify_init, ALL, END},
    /* a file by its number, past every path */
    {SYS_name_to_handle_at, ALL, END},
    {SYS_open_by_handle_at, ALL, END},
    /* who it is was settled before */
    {SYS_setuid, ALL, END},
    {SYS_setgid, ALL, END},
    {SYS_setresuid, ALL, END},
    {SYS_setresgid, ALL, END},
    {SYS_setreuid, ALL, END},
    {SYS_setregid, ALL, END},
    {SYS_setgroups, ALL, END},
    {SYS_capset, ALL, END},
#ifdef SYS_setuid32
    {SYS_setuid32, ALL, END},
    {SYS_setgid32, ALL, END},
    {SYS_setresuid32, ALL, END},
    {SYS_setresgid32, ALL, END},
    {SYS_setgroups32, ALL, END},
#endif
    /* parts of the kernel that are only of use to an attacker */
    {SYS_bpf, ALL, END},
    {SYS_perf_event_open, ALL, END},
    {SYS_userfaultfd, ALL, END},
    {SYS_keyctl, ALL, END},
    {SYS_add_key, ALL, END},
    {SYS_request_key, ALL, END},
    {SYS_init_module, ALL, END},
    {SYS_finit_module, ALL, END},
    {SYS_delete_module, ALL, END},
#ifdef SYS_kexec_load
    {SYS_kexec_load, ALL, END},
#endif
#ifdef SYS_io_uring_setup
    {SYS_io_uring_setup, ALL, END},
#endif
    {SYS_personality, ALL, END},
    /* the machine and its clock are the owner's */
    {SYS_reboot, ALL, END},
    {SYS_swapon, ALL, END},
    {SYS_swapoff, ALL, END},
    {SYS_sethostname, ALL, END},
    {SYS_setdomainname, ALL, END},
    {SYS_settimeofday, ALL, END},
    {SYS_clock_settime, ALL, END},
#ifdef SYS_clock_settime64
    {SYS_clock_settime64, ALL, END},
#endif
    {SYS_adjtimex, ALL, END},
    {SYS_acct, ALL, END},
    {SYS_quotactl, ALL, END},
    {SYS_syslog, ALL, END},
#ifdef SYS_iopl
    {SYS_iopl, ALL, END},
    {SYS_ioperm, ALL, END},
#endif
    /* sockets come from afwrt-net, connected by their holder; nobody
     * listens, but afwrt-tun takes connections of a socket of afwrtd's
     * (WireGuard's configuration) */
    {SYS_socket, OUTSIDE, END},
    {SYS_listen, ALL, END},
    {SYS_accept4, ROLE(NET) | ROLE(AUTH), END},
#ifdef SYS_accept
    {SYS_accept, ALL, END},
#endif
    /* files come from afwrtd; the root is empty, and libraries look for
     * their settings anyhow */
    {SYS_openat, OUTSIDE, REFUSE},
#ifdef SYS_open
    {SYS_open, OUTSIDE, REFUSE},
    {SYS_creat, OUTSIDE, REFUSE},
#endif
#ifdef SYS_openat2
    {SYS_openat2, OUTSIDE, REFUSE},
#endif
    /* nothing is changed by a path, where the root is not empty either */
    {SYS_truncate, ALL, REFUSE},
#ifdef SYS_truncate64
    {SYS_truncate64, ALL, REFUSE},
#endif
#ifdef SYS_rename
    {SYS_rename, ALL, REFUSE},
    {SYS_unlink, ALL, REFUSE},
    {SYS_rmdir, ALL, REFUSE},
    {SYS_mkdir, ALL, REFUSE},
    {SYS_link, ALL, REFUSE},
    {SYS_symlink, ALL, REFUSE},
    {SYS_mknod, ALL, REFUSE},
    {SYS_chmod, ALL, REFUSE},
    {SYS_chown, ALL, REFUSE},
    {SYS_lchown, ALL, REFUSE},
#endif
#ifdef SYS_chown32
    {SYS_chown32, ALL, REFUSE},
    {SYS_lchown32, ALL, REFUSE},
#endif
#ifdef SYS_utime
    {SYS_utime, ALL, REFUSE},
    {SYS_utimes, ALL, REFUSE},
    {SYS_futimesat, ALL, REFUSE},
#endif
#ifdef SYS_utimensat
    {SYS_utimensat, ALL, REFUSE},
#endif
#ifdef SYS_renameat
    {SYS_renameat, ALL, REFUSE},
#endif
    {SYS_renameat2, ALL, REFUSE},
    {SYS_setxattr, ALL, REFUSE},
    {SYS_lsetxattr, ALL, REFUSE},
    {SYS_removexattr, ALL, REFUSE},
    {SYS_lremovexattr, ALL, REFUSE},
    {SYS_mkdirat, ALL, REFUSE},
    {SYS_unlinkat, ALL, REFUSE},
    {SYS_linkat, ALL, REFUSE},
    {SYS_symlinkat, ALL, REFUSE},
    {SYS_mknodat, ALL, REFUSE},
    {SYS_fchmodat, ALL, REFUSE},
    {SYS_fchownat, ALL, REFUSE},
/* Landlock does not keep from asking what a path or a link is; the way
 * that fstat() goes by must stay */
#ifdef SYS_access
    {SYS_access, ALL, REFUSE},
#endif
    {SYS_faccessat, ALL, REFUSE},
#ifdef SYS_faccessat2
    {SYS_faccessat2, ALL, REFUSE},
#endif
    {SYS_readlinkat, ALL, REFUSE},
#ifdef SYS_readlink
    {SYS_readlink, ALL, REFUSE},
#endif
#ifdef __x86_64__
    {SYS_stat, ALL, REFUSE},
    {SYS_lstat, ALL, REFUSE},
#endif
    {SYS_statfs, ALL, REFUSE},
    {SYS_getxattr, ALL, REFUSE},
    {SYS_lgetxattr, ALL, REFUSE},
    {SYS_listxattr, ALL, REFUSE},
    {SYS_llistxattr, ALL, REFUSE},
    {SYS_inotify_add_watch, ALL, REFUSE},
};

/* What afwrt-net may open: rtnetlink and nftables, outer sockets, and the
 * datagram socket that interface names are looked up with. */
static const int net_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

#define N_ENTRIES  (sizeof(entries) / sizeof(entries[0]))
#define N_FAMILIES (sizeof(net_families) / sizeof(net_families[0]))
#define INSNS_MAX  (2 * N_ENTRIES + N_FAMILIES + 24)

struct program {
	struct sock_filter insns[INSNS_MAX];
	unsigned short n;
	unsigned int end; /* SECCOMP_RET_ of END */
};

static void
add(struct program *p, const struct sock_filter *insn)
{
	p->insns[p->n++] = *insn;
}

#define STMT(p, code, k) \
	add(p, &(const struct sock_filter)BPF_STMT(code, (unsigned int)(k)))
#define JUMP(p, code, k, yes, no)                \
	add(p,                                   \
	    &(const struct sock_filter)BPF_JUMP( \
		code, (unsigned int)(k), yes, no))
#define FIELD(name) offsetof(struct seccomp_data, name)

/* Another architecture's numbers would mean other calls. */
static void
arch_check(struct program *p)
{
	STMT(p, BPF_LD | BPF_W | BPF_ABS, FIELD(arch));
	JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	STMT(p, BPF_RET | BPF_K, p->end);
	STMT(p, BPF_LD | BPF_W | BPF_ABS, FIELD(nr));
#ifdef __x86_64__
	/* x32 calls have this bit */
	JUMP(p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
	STMT(p, BPF_RET | BPF_K, p->end);
#endif
}

static void
deny(struct program *p, const struct entry *e)
{
	unsigned int refuse = SECCOMP_RET_ERRNO | (EACCES & SECCOMP_RET_DATA);

	JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, e->nr, 0, 1);
	STMT(p, BPF_RET | BPF_K, e->action == END ? p->end : refuse);
}

/* The low half of the first argument: an int. */
static size_t
low_half(void)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return FIELD(args) + 4;
#else
	return FIELD(args);
#endif
}

/* Of the second argument, the kind of a socket, without its flags. */
#define KIND_MASK 0xf

/* Of Unix sockets only that one: no helper talks to a listener. */
static void
unix_kind(struct program *p)
{
	JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 6);
	STMT(p, BPF_LD | BPF_W | BPF_ABS, low_half());
	JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 4);
	STMT(p, BPF_LD | BPF_W | BPF_ABS, low_half() + sizeof(uint64_t));
	STMT(p, BPF_ALU | BPF_AND | BPF_K, KIND_MASK);
	JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 1, 0);
	STMT(p, BPF_RET | BPF_K, p->end);
	STMT(p, BPF_LD | BPF_W | BPF_ABS, FIELD(nr));
}

/* socket(): only these families; everything after this is allowed. */
static void
families(struct program *p)
{
	unsigned char left = N_FAMILIES;
	size_t i;

	JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0,
	    (unsigned char)(N_FAMILIES + 2));
	STMT(p, BPF_LD | BPF_W | BPF_ABS, low_half());
	for (i = 0; i < N_FAMILIES; i++, left--)
		JUMP(p, BPF_JMP | BPF_JEQ | BPF_K, net_families[i], left, 0);
	STMT(p, BPF_RET | BPF_K, p->end);
}

static void
program_make(struct program *p, enum afw_role role)
{
	size_t i;

	arch_check(p);
	for (i = 0; i < N_ENTRIES; i++)
		if ((entries[i].roles & (1U << role)) != 0)
			deny(p, &entries[i]);
	if (role == AFW_NET) {
		unix_kind(p);
		families(p);
	}
	STMT(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

void
afw_sandbox(enum afw_role role)
{
	const char *mode = secure_getenv("AFWRT_SECCOMP");
	struct program p = {.n = 0, .end = SECCOMP_RET_KILL_PROCESS};
	struct sock_fprog fprog;

	if (role != AFW_NET && role != AFW_TUN && role != AFW_AUTH)
		return;
	if (ARCH == 0) {
		log_warn("%s: no system call filter for this processor",
		    afw_log_name());
		return;
	}
	if (mode != NULL && strcmp(mode, "log") == 0)
		p.end = SECCOMP_RET_LOG;
	program_make(&p, role);
	fprog.len = p.n;
	fprog.filter = p.insns;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0)
		return;
	if (errno == EINVAL) /* a kernel without CONFIG_SECCOMP_FILTER */
		log_warn(
		    "%s: this kernel filters no system calls", afw_log_name());
	else
		fatal("%s: system call filter: %s", afw_log_name(),
		    strerror(errno));
}

#else

void
afw_sandbox(enum afw_role role)
{
	(void)role;
}

#endif
