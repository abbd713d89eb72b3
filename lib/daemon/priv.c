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

/* Sets permitted, effective and bounding to exactly these. */
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
		    capng_have_capability(CAPNG_BOUNDING_SET, cap) > want)
			fatal("%s: capability %s is not as it should be",
			    afw_log_name(), capng_capability_to_name(cap));
	}
}

void
afw_priv_drop(const char *user, const char *chroot_dir, uint64_t keep)
{
	const struct rlimit no_core = {0, 0};
	uid_t uid;
	gid_t gid;
	pid_t parent = getppid();

	if (afw_user_lookup(user, &uid, &gid) == -1)
		fatal_config("%s: no user %s on this system", afw_log_name(),
		    user);
	if (uid == 0 || gid == 0)
		fatal_config("%s: will not run as root", afw_log_name());
	if (chroot(chroot_dir) == -1 || chdir("/") == -1)
		fatal_config("%s: chroot %s: %s", afw_log_name(), chroot_dir,
		    strerror(errno));
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
	/* cleared by the change of user, so only now; the parent may have
	 * died in the meantime */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		fatal("%s: parent is gone", afw_log_name());
}

void
afw_priv_cut(uint64_t keep)
{
	caps_set(keep, CAPNG_SELECT_BOTH);
	no_new_privs();
}
