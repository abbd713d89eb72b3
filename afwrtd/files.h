/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_FILES_H
#define AFWRTD_FILES_H

#include "lib/daemon/link.h"

/*
 * Files that need root's permissions are opened here and read by afwrt-auth,
 * which has none.
 */

/* The path in a file: URL, or NULL for another kind. */
const char *files_url_path(const char *url);
/* Can it be opened? 0, or -1 with errno and a text in files_last_error. */
int files_check(const char *path);
const char *files_last_error(void);
/* AUTH_FILE with that file, now. 0 or -1 as above; says so in the log. */
int files_send(enum afw_file which, const char *path);
/* What every afwrt-auth gets: trust anchors, resolver, hosts, cache. */
void files_send_all(void);
/* /etc/resolv.conf again, if it is another one than was sent. */
void files_resolv_check(void);
/* FILE_GET also looks beside this file (NULL: no more). */
void files_verify_path_set(const char *path);

/* The application's own TUN, from now on; fd is taken, -1 for none. */
void files_tun_given_set(int fd);
/* The TUN that is kept or was given, or tun_dev_path opened; -1 as files_check.
 */
int files_tun_open(void);
/* tun_dev_path opened. */
int files_tun_open_new(void);
void files_keep_close(void);

int files_keep_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int files_get_handle(void *arg, struct afw_link *l, struct afw_msg *m);
int files_save_handle(void *arg, struct afw_link *l, struct afw_msg *m);

#endif
