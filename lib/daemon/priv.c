/* SPDX-License-Identifier: ISC */
/*
 * Giving up privilege. Every step is checked, and at the end we try to get
 * back what was given up: success there is fatal.
 */
#include "priv.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "landlock.h"
#include "log.h"

int
afw_user_lookup(const char *user, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw;
	unsigned int u, g;
	int end = 0;

	if (sscanf(user, "%u:%u%n", &u, &g, &end) == 2 && user[end] == '\0') {
		*uid = u;
		*gid = g;
		return 0;
	}
	if ((pw = getpwnam(user)) == NULL) {
		errno = ENOENT;
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

bool
afw_priv_has(unsigned int cap)
{
	return capng_get_caps_process() == 0 &&
	    capng_have_capability(CAPNG_EFFECTIVE, cap) == 1;
}

/* Sets permitted, effective and bounding to exactly these; inheritable, and
 * with it ambient, to nothing. */
static void
caps_set(uint64_t keep, capng_select_t which)
{
	unsigned int cap;

	capng_clear(which);
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((keep & (UINT64_C(1) << cap)) != 0)
			(void)capng_update(CAPNG_ADD,
			    CAPNG_EFFECTIVE | CAPNG_PERMITTED |
				CAPNG_BOUNDING_SET, cap);
	if (capng_apply(which) != 0)
		fatal("%s: cannot set capabilities: %s", afw_log_name(),
		    strerror(errno));
}

static void
no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fatal("%s: no_new_privs: %s", afw_log_name(), strerror(errno));
}

static void
prove(uid_t uid, gid_t gid, uint64_t keep)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	unsigned int cap;

	if (getresuid(&r, &e, &s) == -1 || r != uid || e != uid || s != uid ||
	    getresgid(&rg, &eg, &sg) == -1 || rg != gid || eg != gid ||
	    sg != gid || getgroups(0, NULL) != 0)
		fatal("%s: user or group did not change", afw_log_name());
	if (setuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0)
		fatal("%s: could become root again", afw_log_name());
	if (capng_get_caps_process() != 0)
		fatal("%s: cannot read capabilities", afw_log_name());
	for (cap = 0; cap <= CAP_LAST_CAP; cap++) {
		int want = (keep & (UINT64_C(1) << cap)) != 0;

		if (capng_have_capability(CAPNG_EFFECTIVE, cap) != want ||
		    capng_have_capability(CAPNG_PERMITTED, cap) != want ||
		    capng_have_capability(CAPNG_BOUNDING_SET, cap) > want ||
		    capng_have_capability(CAPNG_INHERITABLE, cap) ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) ==
			1)
			fatal("%s: capability %s is not as it should be",
			    afw_log_name(), capng_capability_to_name(cap));
	}
}

/* The empty root directory, where the process may have one. */
static bool
root_change(const char *dir)
{
	bool may = afw_priv_has(CAP_SYS_CHROOT);

	if ((may && chroot(dir) == -1) || chdir("/") == -1)
		fatal_config("%s: chroot %s: %s", afw_log_name(), dir,
		    strerror(errno));
	return may;
}

/* One of the two keeps files out of reach; where both can be had, both do. */
static void
files_close(bool chrooted, const char *dir)
{
	if (afw_landlock()) {
		if (!chrooted)
			log_debug("%s: no CAP_SYS_CHROOT: Landlock alone keeps "
				  "it from all files",
			    afw_log_name());
	} else if (chrooted) {
		log_info("%s: this kernel has no Landlock", afw_log_name());
	} else {
		fatal_config("%s: no file may be in its reach, but there is "
			     "neither CAP_SYS_CHROOT, for %s, nor Landlock in "
			     "this kernel (%s)",
		    afw_log_name(), dir, strerror(errno));
	}
}

void
afw_priv_drop(const char *user, const char *chroot_dir, uint64_t keep)
{
	const struct rlimit no_core = {0, 0};
	uid_t uid;
	gid_t gid;
	pid_t parent = getppid();
	bool chrooted;

	if (afw_user_lookup(user, &uid, &gid) == -1)
		fatal_config("%s: no user %s on this system", afw_log_name(),
		    user);
	if (uid == 0 || gid == 0)
		fatal_config("%s: will not run as root", afw_log_name());
	chrooted = root_change(chroot_dir);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1)
		fatal("%s: group %u: %s", afw_log_name(), gid,
		    strerror(errno));
	/* the bounding set needs SETPCAP, the user id needs SETUID */
	caps_set(keep | UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETPCAP,
	    CAPNG_SELECT_CAPS);
	capng_clear(CAPNG_SELECT_BOUNDS);
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		fatal("%s: bounding set: %s", afw_log_name(), strerror(errno));
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setresuid(uid, uid, uid) == -1 ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1)
		fatal("%s: user %u: %s", afw_log_name(), uid, strerror(errno));
	caps_set(keep, CAPNG_SELECT_CAPS);
	no_new_privs();
	prove(uid, gid, keep);
	files_close(chrooted, chroot_dir);
	/* cleared by the change of user, so only now; the parent may have
	 * died in the meantime */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		fatal("%s: parent is gone", afw_log_name());
}

/* Who is not root hands nothing on over an exec but what is ambient. */
static void
caps_hand_on(uint64_t keep)
{
	unsigned int cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((keep & (UINT64_C(1) << cap)) != 0)
			(void)capng_update(CAPNG_ADD, CAPNG_INHERITABLE, cap);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		fatal("%s: cannot inherit capabilities: %s", afw_log_name(),
		    strerror(errno));
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((keep & (UINT64_C(1) << cap)) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) ==
			-1)
			fatal("%s: ambient capabilities: %s", afw_log_name(),
			    strerror(errno));
}

void
afw_priv_cut(uint64_t keep)
{
	unsigned int cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!afw_priv_has(cap))
			keep &= ~(UINT64_C(1) << cap);
	caps_set(keep, CAPNG_SELECT_BOTH);
	if (geteuid() != 0)
		caps_hand_on(keep);
	no_new_privs();
}
