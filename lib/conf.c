/* SPDX-License-Identifier: ISC */
/*
 * The configuration text. A table of keys says where each value goes and
 * what it may be; what is more than one value (backend, rules) has a
 * function of its own in conf_list.c.
 */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "conf_list.h"
#include "conf_whole.h"
#include "errors.h"
#include "notice.h"

#include "lib/wire/channel.h"

enum kind {
	STRING, /* printable text of at most max bytes */
	PATH,   /* absolute path, or "" where min is 0 */
	IFNAME,
	LOCATION, /* or "" */
	TOKEN,    /* access token, or "" */
	SECRET,   /* provider's token, or "" */
	METHOD,   /* or "" */
	ADDRESS,  /* IPv4 */
	NUMBER,   /* min to max; below min is min where clamp is set */
	MASK,     /* NUMBER, or "0x8" */
	FLAG,     /* 0, 1, false, true */
	CHOICE,   /* one of the words */
	FD,
	LIST, /* fn */
};

struct word {
	const char *text;
	uint32_t value;
};

struct key {
	const char *name;
	enum kind kind;
	size_t offset, max; /* of the field in struct conf; its bytes */
	long long min, top;
	bool clamp;
	uint32_t flag;
	const struct word *words;
	int (*fn)(struct conf *, const char *, json_t *);
};

static const struct word types[] = {
    {"hydra-tcp", AFW_TYPE_HYDRA_TCP},
    {"wireguard", AFW_TYPE_WIREGUARD},
    {NULL, 0},
};
static const struct word policies[] = {
    {"legacy", AFW_V4V6_LEGACY},
    {"ipv4_only", AFW_V4V6_IPV4_ONLY},
    {"ipv6_only", AFW_V4V6_IPV6_ONLY},
    {"both", AFW_V4V6_BOTH},
    {NULL, 0},
};
static const struct word reconnects[] = {
    {"manual", AFW_RECONNECT_MANUAL},
    {"auto", AFW_RECONNECT_AUTO},
    {NULL, 0},
};
static const struct word levels[] = {
    /* syslog(3) */
    {"error", 3},
    {"warn", 4},
    {"notice", 5},
    {"info", 6},
    {"debug", 7},
    {NULL, 0},
};
static const struct word dns_words[] = {
    {"system", 0},
    {"tunnel", AFW_C_DNS_TUNNEL},
    {NULL, 0},
};
static const struct word routings[] = {
    {"manual", 0},
    {"managed", AFW_C_WG_MANAGED},
    {NULL, 0},
};
static const struct word impls[] = {
    {"auto", AFW_WG_AUTO},
    {"kernel", AFW_WG_KERNEL},
    {"userspace", AFW_WG_USERSPACE},
    {NULL, 0},
};

/* Words that become flags. */
struct extra {
	uint32_t dns, routing;
};

struct all {
	struct conf c;
	struct extra x;
};

#define AT(field)                              \
	.offset = offsetof(struct all, field), \
	.max = sizeof(((struct all *)0)->field)
#define MAIN(field)   AT(c.main.field)
#define RANGE(lo, hi) .min = (lo), .top = (hi)
#define DAY           86400

static const struct key keys[] = {
    {"tun_ifname", IFNAME, MAIN(tun_ifname)},
    {"wan_ifname", IFNAME, MAIN(wan_ifname)},
    {"hydra_tun_fd", FD, AT(c.tun_fd)},
    {"vl_default", LOCATION, MAIN(vl_default)},
    {"backend", LIST, .fn = conf_list_backends},
    {"type", CHOICE, MAIN(type), .words = types},
    {"auth_method", METHOD, AT(c.auth_method)},
    {"auth_token", SECRET, AT(c.auth_token)},
    {"data_report_interval", NUMBER, MAIN(report_interval),
	RANGE(0, DAY * 1000LL)},
    {"default_gateway", FLAG, .flag = AFW_C_DEFAULT_GATEWAY},
    {"v4v6_policy", CHOICE, MAIN(v4v6), .words = policies},
    {"ipv6_output_only", FLAG, .flag = AFW_C_IPV6_OUTPUT_ONLY},
    {"hydra_default_vl_reconnect_interval", NUMBER, MAIN(reconnect_interval),
	RANGE(1, DAY)},
    {"config_dir", PATH, MAIN(config_dir), RANGE(1, 0)},
    {"tun_dev_path", PATH, MAIN(tun_dev_path), RANGE(1, 0)},
    {"tun_addr", ADDRESS, MAIN(tun_addr)},
    {"tun_mtu", NUMBER, MAIN(tun_mtu), RANGE(0, 65535)},
    {"no_iptables", FLAG, .flag = AFW_C_NO_IPTABLES},
    {"no_socket_setup", FLAG, .flag = AFW_C_NO_SOCKET_SETUP},
    {"protected_ip_addrs", LIST, .fn = conf_list_ips},
    {"protected_mac_addrs", LIST, .fn = conf_list_macs},
    {"protected_ifaces", LIST, .fn = conf_list_ifaces},
    /* ours */
    {"access_token", TOKEN, AT(c.access_token)},
    {"device_id", STRING, AT(c.auth.device_id)},
    {"device_type", STRING, AT(c.auth.device_type)},
    {"device_name", STRING, AT(c.auth.device_name)},
    {"project_id", STRING, AT(c.auth.project_id)},
    {"rcvbuf", NUMBER, MAIN(rcvbuf), RANGE(0, 1 << 30), .clamp = true},
    {"sndbuf", NUMBER, MAIN(sndbuf), RANGE(0, 1 << 30), .clamp = true},
    {"killswitch", FLAG, .flag = AFW_C_KILLSWITCH},
    {"lan_bypass", FLAG, .flag = AFW_C_LAN_BYPASS},
    {"fwmark", MASK, MAIN(fwmark), RANGE(1, UINT32_MAX)},
    {"fwmark_mask", MASK, MAIN(fwmark_mask), RANGE(1, UINT32_MAX)},
    {"route_table", NUMBER, MAIN(route_table), RANGE(1, UINT32_MAX)},
    {"rule_priority", NUMBER, MAIN(rule_priority), RANGE(1, 32765)},
    {"reconnect", CHOICE, MAIN(reconnect), .words = reconnects},
    {"wan_wait", NUMBER, MAIN(wan_wait), RANGE(0, DAY)},
    {"dns", CHOICE, AT(x.dns), .words = dns_words},
    {"wireguard_routing", CHOICE, AT(x.routing), .words = routings},
    {"wireguard_impl", CHOICE, MAIN(wg_impl), .words = impls},
    {"connections", NUMBER, MAIN(connections), RANGE(1, AFW_CONNS_MAX)},
    {"ca_file", PATH, MAIN(ca_file)},
    {"log_level", CHOICE, MAIN(log_level), .words = levels},
    {.name = NULL},
};

/* ---- text -------------------------------------------------------------- */

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int
conf_log_level(const char *word)
{
	const struct word *w;

	for (w = levels; w->text != NULL; w++)
		if (strcmp(w->text, word) == 0)
			return (int)w->value;
	return -1;
}

bool
conf_token_valid(const char *token)
{
	const char *s = token;

	while (*s != '\0') {
		s += strspn(s, ALNUM "._-~");
		if (*s == '%' && s[1] != '\0' &&
		    strspn(s + 1, "0123456789abcdefABCDEF") >= 2)
			s += 3;
		else if (*s != '\0')
			return false;
	}
	return s != token && s - token < AFW_TOKEN_SIZE;
}

bool
conf_auth_token_valid(const char *token)
{
	const char *s = token;

	while (*s > ' ' && *s < 0x7f)
		s++;
	return *s == '\0' && s - token < AFW_TOKEN_SIZE;
}

bool
conf_auth_method_valid(const char *method)
{
	size_t n = strspn(method, ALNUM "._-");

	return n > 0 && n < 64 && method[n] == '\0';
}

/* ---- one value --------------------------------------------------------- */

static const char *
text_refuses(enum kind kind, const char *s, const struct key *k)
{
	if (strlen(s) >= k->max)
		return "is too long";
	switch (kind) {
	case PATH:
		if (*s == '\0' && k->min == 0)
			return NULL;
		return *s == '/' ? NULL : "must be an absolute path";
	case IFNAME:
		return afw_ifname_valid(s) ? NULL : "is not an interface name";
	case LOCATION:
		return *s == '\0' || afw_location_valid(s)
		    ? NULL
		    : "is not a location name";
	case TOKEN:
		return *s == '\0' || conf_token_valid(s)
		    ? NULL
		    : "may hold letters, digits, '._-~' and %XX only";
	case SECRET:
		return conf_auth_token_valid(s)
		    ? NULL
		    : "may hold printable ASCII without spaces only";
	case METHOD:
		return *s == '\0' || conf_auth_method_valid(s)
		    ? NULL
		    : "may hold letters, digits, '.', '_', '-' only";
	default:
		return printable(s) ? NULL : "has control characters";
	}
}

static int
text_set(char *field, const struct key *k, json_t *v)
{
	const char *s, *bad;

	if ((s = json_string_value(v)) == NULL)
		return errors_set(EINVAL, "\"%s\" must be a string", k->name);
	if (strlen(s) != json_string_length(v))
		return errors_set(EINVAL, "\"%s\" has a NUL in it", k->name);
	if ((bad = text_refuses(k->kind, s, k)) != NULL) {
		if (k->kind == TOKEN || k->kind == SECRET)
			return errors_set(EINVAL, "\"%s\" %s", k->name, bad);
		return errors_set(
		    EINVAL, "\"%s\" %s: \"%.128s\"", k->name, bad, s);
	}
	(void)afw_str_set(field, k->max, s);
	if (k->kind == TOKEN || k->kind == SECRET)
		afw_wipe((void *)(uintptr_t)s, strlen(s));
	return 0;
}

static int
address_set(struct afw_addr *field, const struct key *k, json_t *v)
{
	const char *s = json_string_value(v);

	if (s == NULL)
		return errors_set(EINVAL, "\"%s\" must be a string", k->name);
	if (afw_addr_parse(field, s) == -1 || field->family != 4 ||
	    !afw_addr_is_host(field))
		return errors_set(EINVAL,
		    "\"%s\" is not the IPv4 address of a host: \"%.64s\"",
		    k->name, s);
	return 0;
}

static int
number_set(uint32_t *field, const struct key *k, json_t *v)
{
	long long n = json_integer_value(v);
	const char *s = json_string_value(v);
	char *end;

	if (k->kind == MASK && s != NULL && strncmp(s, "0x", 2) == 0) {
		n = strtoll(s, &end, 16);
		if (end == s + 2 || *end != '\0')
			return errors_set(EINVAL,
			    "\"%s\" is not a number: \"%.64s\"", k->name, s);
	} else if (!json_is_integer(v)) {
		return errors_set(
		    EINVAL, "\"%s\" must be a whole number", k->name);
	}
	if (k->clamp && n < k->min)
		n = k->min;
	if (n < k->min || n > k->top)
		return errors_set(EINVAL,
		    "\"%s\" must be %lld to %lld, not %lld", k->name, k->min,
		    k->top, n);
	*field = (uint32_t)n;
	return 0;
}

static int
flag_set(uint32_t *flags, const struct key *k, json_t *v)
{
	long long n = json_integer_value(v);

	if (!json_is_boolean(v) && (!json_is_integer(v) || n < 0 || n > 1))
		return errors_set(EINVAL, "\"%s\" must be 0 or 1", k->name);
	if (json_is_true(v) || n == 1)
		*flags |= k->flag;
	else
		*flags &= ~k->flag;
	return 0;
}

static int
choice_set(uint32_t *field, const struct key *k, json_t *v)
{
	const char *s = json_string_value(v);
	const struct word *w;
	char all[96] = "";

	for (w = k->words; s != NULL && w->text != NULL; w++)
		if (strcmp(s, w->text) == 0) {
			*field = w->value;
			return 0;
		}
	for (w = k->words; w->text != NULL; w++) {
		if (w != k->words)
			strcat(all, ", ");
		strcat(all, w->text);
	}
	if (s == NULL)
		return errors_set(
		    EINVAL, "\"%s\" must be one of %s", k->name, all);
	return errors_set(
	    EINVAL, "\"%s\" must be one of %s, not \"%.64s\"", k->name, all, s);
}

static int
fd_set_from(int *field, const struct key *k, json_t *v)
{
	long long n = json_integer_value(v);

	if (!json_is_integer(v))
		return errors_set(
		    EINVAL, "\"%s\" must be a whole number", k->name);
	if (n != -1 && (n < 0 || n > INT32_MAX || fcntl((int)n, F_GETFD) == -1))
		return errors_set(EINVAL,
		    "\"%s\" is not an open descriptor: "
		    "%lld",
		    k->name, n);
	*field = (int)n;
	return 0;
}

static int
value_set(struct all *a, const struct key *k, json_t *v)
{
	void *field = (char *)a + k->offset;

	switch (k->kind) {
	case ADDRESS:
		return address_set(field, k, v);
	case NUMBER:
	case MASK:
		return number_set(field, k, v);
	case FLAG:
		return flag_set(&a->c.main.flags, k, v);
	case CHOICE:
		return choice_set(field, k, v);
	case FD:
		return fd_set_from(field, k, v);
	case LIST:
		return k->fn(&a->c, k->name, v);
	default:
		return text_set(field, k, v);
	}
}

/* ---- the whole --------------------------------------------------------- */

static void
defaults(struct all *a)
{
	struct afw_m_config *m = &a->c.main;
	struct afw_m_auth_config *u = &a->c.auth;

	memset(a, 0, sizeof(*a));
	a->c.tun_fd = -1;
	(void)afw_addr_parse(&m->tun_addr, "100.73.0.73");
	m->flags = AFW_C_LAN_BYPASS;
	m->fwmark = 0x8;
	m->fwmark_mask = UINT32_MAX;
	m->route_table = 47;
	m->rule_priority = 10;
	m->wan_wait = 60;
	m->type = AFW_TYPE_HYDRA_TCP;
	m->wg_impl = AFW_WG_AUTO;
	m->reconnect = AFW_RECONNECT_MANUAL;
	m->reconnect_interval = 10;
	m->report_interval = 30000;
	m->v4v6 = AFW_V4V6_LEGACY;
	m->connections = 1;
	m->log_level = 6;
	(void)afw_str_set(m->config_dir, sizeof(m->config_dir), "/etc/afwrt");
	(void)afw_str_set(
	    m->tun_dev_path, sizeof(m->tun_dev_path), "/dev/net/tun");
	(void)afw_str_set(
	    u->device_id, sizeof(u->device_id), "default_device_id");
	(void)afw_str_set(u->device_type, sizeof(u->device_type), "wrt");
	(void)afw_str_set(u->device_name, sizeof(u->device_name), "wrt");
	(void)afw_str_set(
	    u->project_id, sizeof(u->project_id), "af_router_sdk_test");
	u->backends = 1;
	(void)afw_str_set(a->c.backends[0].url, AFW_URL_SIZE,
	    "file:/etc/afwrt/locations.json");
}

int
conf_error(struct conf *c)
{
	if (!c->go_on)
		return -1;
	c->errors++;
	notice_post(3, "%s", errors_last());
	notice_flush();
	return 0;
}

/* What concerns more than one key. */
static int
whole_check(struct all *a)
{
	struct afw_m_config *m = &a->c.main;

	if (a->c.auth_token[0] != '\0' && a->c.auth_method[0] == '\0') {
		(void)errors_set(
		    EINVAL, "\"auth_token\" needs an \"auth_method\"");
		if (conf_error(&a->c) == -1)
			return -1;
	}
	m->flags |= a->x.dns | a->x.routing;
	if (conf_whole(&a->c) == -1)
		return -1;
	if (a->c.tun_fd != -1)
		m->flags |= AFW_C_TUN_FD;
	a->c.auth.type = m->type;
	a->c.auth.v4v6 = m->v4v6;
	a->c.auth.ipv6_exit = (m->flags & AFW_C_IPV6_OUTPUT_ONLY) != 0;
	return 0;
}

static int
object_read(struct all *a, json_t *root)
{
	const struct key *k;
	const char *name;
	json_t *v;

	json_object_foreach (root, name, v) {
		for (k = keys; k->name != NULL; k++)
			if (strcmp(k->name, name) == 0)
				break;
		if (k->name == NULL)
			notice_post(4,
			    "lib: configuration: unknown key "
			    "\"%.64s\" ignored",
			    name);
		else if (value_set(a, k, v) == -1 && conf_error(&a->c) == -1)
			return -1;
	}
	return whole_check(a);
}

static size_t
text_until(const char *text, const char *end)
{
	const char *p = strstr(text, end);

	return p != NULL ? (size_t)(p - text) : strlen(text);
}

static int
conf_read(struct conf *c, const char *json, bool go_on)
{
	json_error_t e;
	json_t *root = NULL;
	struct all a;
	size_t len = strlen(json);
	int rc = -1;

	defaults(&a);
	a.c.go_on = go_on;
	if (len > CONFIG_JSON_MAX) {
		(void)errors_set(EINVAL,
		    "the configuration has %zu bytes, more than %d", len,
		    CONFIG_JSON_MAX);
		goto out;
	}
	root = json_loads(json, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	if (root == NULL)
		/* what stands "near" may be a secret */
		(void)errors_set(EINVAL,
		    "the configuration is not JSON: line %d, column %d: %.*s",
		    e.line, e.column, (int)text_until(e.text, " near "),
		    e.text);
	else if (!json_is_object(root))
		(void)errors_set(
		    EINVAL, "the configuration must be a JSON object");
	else
		rc = object_read(&a, root);
out:
	json_decref(root);
	*c = a.c;
	afw_wipe(&a, sizeof(a));
	return rc;
}

int
conf_parse(struct conf *c, const char *json)
{
	return conf_read(c, json, false);
}

unsigned int
conf_check(const char *json)
{
	struct conf c;
	unsigned int n;

	if (conf_read(&c, json, true) == -1)
		(void)conf_error(&c);
	n = c.errors;
	conf_free(&c);
	notice_flush();
	return n;
}

void
conf_free(struct conf *c)
{
	free(c->rules);
	afw_wipe(c, sizeof(*c));
	c->tun_fd = -1;
}
