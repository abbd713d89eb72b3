/* SPDX-License-Identifier: ISC */
/*
 * A NAT table from an earlier life: nothing in it is believed before it has
 * been looked at.
 */
#include "afwrt-tun/nat_adopt.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/clock.h"
#include "lib/daemon/log.h"
#include "lib/wire/msg.h"

static const struct nat_map *sort_map; /* for the comparison */
static uint32_t extent;                /* entries behind it were never used */

static bool
header_ok(const struct nat_map *m)
{
	return memcmp(m->magic, NAT_MAGIC, sizeof(m->magic)) == 0 &&
	    m->version == NAT_VERSION &&
	    m->entry_size == sizeof(struct nat_entry) &&
	    m->n_entries == NAT_ENTRIES;
}

static void
header_write(struct nat_map *m)
{
	m->version = NAT_VERSION;
	m->entry_size = sizeof(struct nat_entry);
	m->n_entries = NAT_ENTRIES;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(m->magic, NAT_MAGIC, sizeof(m->magic));
}

/* To nothing and back: the pages are zero, and cost nothing until used. */
static int
file_empty(int fd)
{
	if (ftruncate(fd, 0) == -1)
		return -1;
	return ftruncate(fd, (off_t)sizeof(struct nat_map));
}

/* Reading a hole would make it memory, so its end is asked for. */
static uint32_t
data_extent(int fd)
{
	off_t first = (off_t)offsetof(struct nat_map, entries);
	off_t at = 0, end = 0, size = (off_t)sizeof(struct nat_entry);

	while ((at = lseek(fd, at, SEEK_DATA)) != -1 &&
	    (at = lseek(fd, at, SEEK_HOLE)) != -1)
		end = at;
	if (at == -1 && errno != ENXIO)
		return NAT_ENTRIES;
	if (end <= first)
		return 0;
	end = (end - first + size - 1) / size;
	return end < NAT_ENTRIES ? (uint32_t)end : NAT_ENTRIES;
}

struct nat_map *
nat_adopt_map(int memfd, bool fresh)
{
	struct nat_map *m;
	struct stat st;

	if (fstat(memfd, &st) == -1)
		return NULL;
	if (st.st_size != (off_t)sizeof(*m)) {
		if (!fresh && st.st_size != 0)
			log_warn("nat: table of %lld bytes is not ours: "
				 "emptied",
			    (long long)st.st_size);
		fresh = true;
	}
	if (fresh && file_empty(memfd) == -1)
		return NULL;
	m = mmap(
	    NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (m == MAP_FAILED)
		return NULL;
	if (!fresh && !header_ok(m)) {
		log_warn("nat: table has another header: emptied");
		if (file_empty(memfd) == -1) {
			(void)munmap(m, sizeof(*m));
			return NULL;
		}
	}
	extent = data_extent(memfd);
	header_write(m);
	return m;
}

uint32_t
nat_adopt_check(const struct nat_entry *e)
{
	const uint8_t *b = (const uint8_t *)e;
	uint32_t h = 2166136261u; /* FNV-1a: against accidents only */
	size_t i;

	for (i = offsetof(struct nat_entry, lan); i < sizeof(*e); i++)
		if (i != offsetof(struct nat_entry, flags))
			h = (h ^ b[i]) * 16777619u;
	return h == 0 ? 1 : h;
}

static bool
zero(const uint8_t *b, size_t n)
{
	while (n-- > 0)
		if (b[n] != 0)
			return false;
	return true;
}

static bool
key_ok(const struct nat_key *k)
{
	bool tcp = k->proto == 6;

	if (k->family != 4 && k->family != 6)
		return false;
	if (k->route == 0 || k->conn != 0 || k->pad[0] != 0 || k->pad[1] != 0)
		return false;
	if (!tcp && k->proto != 17 && k->proto != (k->family == 4 ? 1 : 58))
		return false;
	if (tcp != (k->remote_port != 0) || tcp == zero(k->remote, 16))
		return false;
	return k->family == 6 ||
	    (zero(k->addr + 4, 12) && zero(k->remote + 4, 12));
}

static bool
entry_ok(const struct nat_entry *e)
{
	bool echo = e->lan.proto == 1 || e->lan.proto == 58;

	return e->check != 0 && e->check == nat_adopt_check(e) &&
	    key_ok(&e->lan) && e->conn < AFW_CONNS_MAX &&
	    (e->flags & ~NAT_F_ALL) == 0 && e->used <= clock_now &&
	    !zero(e->inner, 16) &&
	    (echo || (e->port != 0 && e->lan.port != 0)) &&
	    clock_now - e->used < nat_table_limit(e);
}

static int
older(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t ux = sort_map->entries[x].used;
	uint32_t uy = sort_map->entries[y].used;

	if (ux != uy)
		return ux < uy ? -1 : 1;
	return x < y ? -1 : x > y;
}

uint32_t
nat_adopt_order(struct nat_map *m, uint32_t order[NAT_ENTRIES])
{
	uint32_t i, n = 0, bad = 0;

	for (i = 0; i < extent; i++) {
		if (entry_ok(&m->entries[i])) {
			order[n++] = i;
		} else if (m->entries[i].check != 0) {
			m->entries[i].check = 0;
			bad++;
		}
	}
	sort_map = m;
	qsort(order, n, sizeof(*order), older);
	if (n + bad != 0)
		log_info("nat: %u entries adopted, %u dropped", n, bad);
	return n;
}

uint32_t
nat_adopt_end(const struct nat_map *m)
{
	uint32_t n = extent;

	while (n > 0 && m->entries[n - 1].check == 0)
		n--;
	return n;
}
