/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "wg_player.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
wg_begin_with(uint32_t type, bool managed, const char *vl_default)
{
	struct afw_m_config c;

	player_start();
	c = player_config();
	c.type = type;
	c.flags = managed ? AFW_C_WG_MANAGED : 0;
	memset(c.vl_default, 0, sizeof(c.vl_default));
	(void)afw_str_set(c.vl_default, sizeof(c.vl_default), vl_default);
	ck_assert_msg(
	    player_ask(AFW_MSG_CONFIG, &c) == AFW_OK, "%s", player_text);
}

void
wg_begin(uint32_t type, bool managed)
{
	wg_begin_with(type, managed, "us");
}

void
wg_run(void)
{
	ck_assert_msg(
	    player_ask(AFW_MSG_RUN, NULL) == AFW_OK, "%s", player_text);
}

void
wg_batch(unsigned int n, const char *location)
{
	char ip[32];

	(void)snprintf(ip, sizeof(ip), "10.0.0.%u", n);
	(void)player_send(AFW_MSG_BATCH_BEGIN, NULL);
	ck_assert_uint_eq(player_protect(ip, location), AFW_OK);
	ck_assert_uint_eq(player_ask(AFW_MSG_BATCH_COMMIT, NULL), AFW_OK);
}

struct afw_m_route_info
wg_query(const char *location)
{
	uint32_t id = player_send(AFW_MSG_QUERY, NULL);
	struct afw_msg m;
	const struct afw_m_route_info *ri = (const void *)m.payload;
	struct afw_m_route_info found;

	memset(&found, 0, sizeof(found));
	do {
		player_answer(id, &m);
		if (m.hdr.type == AFW_MSG_QUERY_ROUTE &&
		    strcmp(ri->location, location) == 0)
			found = *ri;
	} while (m.hdr.type != AFW_MSG_STATUS);
	ck_assert_str_eq(found.location, location);
	return found;
}

bool
wg_socket_is_there(const char *ifname)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%.60s/wg/%s.sock",
	    player_dir, ifname);
	if (lstat(sa.sun_path, &st) == -1) {
		ck_assert_int_eq(errno, ENOENT);
		return false;
	}
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_ne(
	    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -1);
	ck_assert_int_eq(connect(fd, (const void *)&sa, sizeof(sa)), 0);
	(void)close(fd);
	return true;
}

void
helper_kill(enum afw_role role)
{
	struct afw_m_process p = player_process(role);

	ck_assert_uint_ne(p.pid, 0);
	ck_assert_int_eq(kill((pid_t)p.pid, SIGKILL), 0);
}
