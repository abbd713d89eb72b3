/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_WG_LISTEN_H
#define AFWRTD_WG_LISTEN_H

/*
 * The configuration socket of a userspace WireGuard interface, where wg(8)
 * looks for it: /var/run/wireguard/IFACE.sock. For root only. The listening
 * descriptor, or -1: said in the log, the tunnel works without.
 */
int wg_listen_open(const char *ifname);
/* Closes it and removes the file. */
void wg_listen_close(int fd, const char *ifname);

#endif
