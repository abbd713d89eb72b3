/* SPDX-License-Identifier: ISC */
#ifndef AFW_TESTS_AUTH_WORLD_H
#define AFW_TESTS_AUTH_WORLD_H

#include <sys/types.h>

#include "lib/wire/channel.h"

/*
 * The world of a real afwrt-auth: this process plays supervisor, afwrt-net
 * (plain sockets) and afwrt-tun at the other ends of its channels. Files come
 * from world_dir.
 */
extern char world_dir[];
extern struct afw_chan world_sup, world_tun;
/* What afwrt-auth said by itself. */
extern unsigned int world_tokens, world_invalid, world_saved, world_sockets;
/* The last that it wanted kept; its location "": none yet. */
extern struct afw_m_state world_state;
extern char world_token[AFW_TOKEN_SIZE], world_invalid_text[256];

void world_make(void); /* directory, certificates */
void world_remove(void);
void world_start(void); /* afwrt-auth, up to READY and its peers */
void world_stop(void);
void world_new_tun(void); /* as after a restart of afwrt-tun */
const char *world_path(const char *name);
void world_write(const char *name, mode_t mode, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
char *world_read(const char *name);
/* AUTH_FILE; name NULL: not given. */
void world_file(enum afw_file which, const char *name);

/* A request to afwrt-auth; its reply is awaited and returned, static. */
struct afw_msg *world_ask(
    struct afw_chan *c, enum afw_msg_type type, const void *payload);
/* The two halves of it. */
uint32_t world_send(
    struct afw_chan *c, enum afw_msg_type type, const void *payload);
struct afw_msg *world_wait(struct afw_chan *c, uint32_t id);
/* Asks; the answer must be a STATUS; its code, text in world_text. */
unsigned int world_status(
    struct afw_chan *c, enum afw_msg_type type, const void *payload);
extern char world_text[188];

/* Runs argv in world_dir; waits until it has said `ready`. */
pid_t world_spawn(const char *ready, const char *const argv[]);
void world_kill(pid_t pid);
uint16_t world_free_port(void);

#endif
