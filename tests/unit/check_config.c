/* SPDX-License-Identifier: ISC */
/* Every key of the configuration: what it takes, what it refuses. */
#include <afwrt.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/errors.h"
#include "lib/notice.h"

#define X63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* JSON values, NULL at the end. Wrong types are tried for all: see wrong. */
static const struct {
	const char *key;
	char type; /* s string, n number, f flag, b backend, l list, m mask */
	const char *good[6], *bad[8];
} keys[] = {
    {"tun_ifname", 's', {"\"wrt0\"", "\"a23456789012345\""},
	{"\"\"", "\"a/b\"", "\"a b\"", "\"a234567890123456\"", "\"..\""}},
    {"wan_ifname", 's', {"\"auto\"", "\"eth1.100\""},
	{"\"\"", "\"wan:0\"", "\"a\\u0000b\""}},
    {"hydra_tun_fd", 'n', {"-1", "0"}, {"-2", "999", "4294967296"}},
    {"vl_default", 's', {"\"\"", "\"us\"", "\"us-new_york.1\""},
	{"\"a b\"", "\"" X63 "a\"", "\"\xc3\xa9\""}},
    {"backend", 'b',
	{"\"https://a.b/c\"", "\"http://127.0.0.1:80/\"",
	    "\"http://localhost\"", "\"http://[::1]:1\"", "\"file:/a\"",
	    "[\"https://a\", \"https://b\"]"},
	{"\"\"", "\"http://a.b\"", "\"ftp://a\"", "\"https://\"", "[]", "[1]",
	    "\"http://localhost:1@a.b\"", "\"file:x\""}},
    {"type", 's', {"\"hydra-tcp\"", "\"wireguard\""},
	{"\"\"", "\"openvpn\"", "\"Hydra-TCP\""}},
    {"auth_method", 's', {"\"anonymous\"", "\"\""},
	{"\"a b\"", "\"" X63 "a\""}},
    {"data_report_interval", 'n', {"0", "500", "30000"}, {"-1", "86400001"}},
    {"default_gateway", 'f', {"0", "1", "true"}, {"2", "-1"}},
    {"v4v6_policy", 's',
	{"\"legacy\"", "\"ipv4_only\"", "\"ipv6_only\"", "\"both\""},
	{"\"ipv4\""}},
    {"ipv6_output_only", 'f', {"0", "1"}, {"2"}},
    {"hydra_default_vl_reconnect_interval", 'n', {"1", "10"},
	{"0", "-1", "86401"}},
    {"config_dir", 's', {"\"/tmp\""}, {"\"tmp\"", "\"\""}},
    {"tun_dev_path", 's', {"\"/dev/tun\""}, {"\"tun\"", "\"\""}},
    {"tun_addr", 's', {"\"100.73.0.73\""},
	{"\"\"", "\"1.2.3\"", "\"::1\"", "\"224.0.0.1\""}},
    {"tun_mtu", 'n', {"0", "576", "1500", "65535"}, {"1", "575", "65536"}},
    {"no_iptables", 'f', {"0", "1"}, {"2"}},
    {"no_socket_setup", 'f', {"0", "1"}, {"2"}},
    {"protected_ip_addrs", 'l',
	{"\"\"", "[]", "[{\"ip_addr\":\"10.0.0.1\",\"vl\":\"us\"}]",
	    "[{\"ip_addr\":\"fd00::1\",\"vl\":\"us\"},"
	    "{\"ip_addr\":\"10.0.0.1\",\"vl\":\"de\"}]"},
	{"\"x\"", "{}", "[1]", "[{}]", "[{\"ip_addr\":\"10.0.0.1\"}]",
	    "[{\"ip_addr\":\"10.0.0\",\"vl\":\"us\"}]",
	    "[{\"ip_addr\":\"10.0.0.1\",\"vl\":\"\"}]",
	    "[{\"ip_addr\":\"10.0.0.1\",\"vl\":1}]"}},
    {"protected_mac_addrs", 'l',
	{"\"\"", "[{\"mac_addr\":\"08:00:27:AA:D7:17\",\"vl\":\"us\"}]"},
	{"[{\"mac_addr\":\"08:00:27:AA:D7\",\"vl\":\"us\"}]",
	    "[{\"mac_addr\":\"ff:ff:ff:ff:ff:ff\",\"vl\":\"us\"}]"}},
    {"protected_ifaces", 'l', {"\"\"", "[{\"iface\":\"br0\",\"vl\":\"us\"}]"},
	{"[{\"iface\":\"\",\"vl\":\"us\"}]"}},
    {"access_token", 's', {"\"aZ0._-~%2f\"", "\"\""},
	{"\"a b\"", "\"a/b\"", "\"%2\""}},
    {"device_id", 's', {"\"d\""}, {"\"a\\nb\""}},
    {"device_type", 's', {"\"d\""}, {"\"" X63 "a\""}},
    {"project_id", 's', {"\"d\""}, {"\"a\\tb\""}},
    {"rcvbuf", 'n', {"-5", "0", "65536"}, {"1073741825"}},
    {"sndbuf", 'n', {"-5", "0", "65536"}, {"1073741825"}},
    {"killswitch", 'f', {"0", "1"}, {"2"}},
    {"lan_bypass", 'f', {"0", "1", "false"}, {"2"}},
    {"fwmark", 'm', {"8", "\"0x10\""}, {"0", "4294967296", "\"0x\"", "\"8\""}},
    {"fwmark_mask", 'm', {"255", "\"0xff\""}, {"0", "7", "\"0xfg\""}},
    {"route_table", 'n', {"47", "100000"}, {"0", "253", "254", "255", "-1"}},
    {"rule_priority", 'n', {"1", "32765"}, {"0", "32766"}},
    {"reconnect", 's', {"\"manual\"", "\"auto\""}, {"\"yes\""}},
    {"wan_wait", 'n', {"0", "60"}, {"-1", "86401"}},
    {"dns", 's', {"\"system\"", "\"tunnel\""}, {"\"8.8.8.8\""}},
    {"wireguard_routing", 's', {"\"manual\"", "\"managed\""}, {"\"x\""}},
    {"wireguard_impl", 's', {"\"auto\"", "\"kernel\"", "\"userspace\""},
	{"\"x\""}},
    {"connections", 'n', {"1", "8"}, {"0", "9"}},
    {"ca_file", 's', {"\"\"", "\"/etc/ca.pem\""}, {"\"ca.pem\""}},
    {"log_level", 's',
	{"\"error\"", "\"warn\"", "\"notice\"", "\"info\"", "\"debug\""},
	{"\"loud\""}},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* Values that are of the wrong type for all but those types. */
static const struct {
	const char *value, *allowed;
} wrong[] = {
    {"null", ""},
    {"{}", ""},
    {"1.5", ""},
    {"[[]]", ""},
    {"7", "nmf"},
    {"\"zz zz\"", ""},
    {"true", "f"},
};

/* The rest of a minimal configuration with this key in it. */
static int
parse(struct conf *c, const char *key, const char *value)
{
	static char json[8192];
	bool tun = strcmp(key, "tun_ifname") == 0;
	bool wan = strcmp(key, "wan_ifname") == 0;

	(void)snprintf(json, sizeof(json), "{%s%s\"%s\":%s}",
	    tun ? "" : "\"tun_ifname\":\"wrt0\",",
	    wan ? "" : "\"wan_ifname\":\"eth1\",", key, value);
	errno = 0;
	return conf_parse(c, json);
}

START_TEST(good_values)
{
	struct conf c;
	size_t i;

	for (i = 0; i < 6 && keys[_i].good[i] != NULL; i++) {
		ck_assert_msg(parse(&c, keys[_i].key, keys[_i].good[i]) == 0,
		    "%s: %s: %s", keys[_i].key, keys[_i].good[i],
		    errors_last());
		/* what the library accepts the channel accepts too */
		ck_assert(afw_row(AFW_MSG_CONFIG)->check(&c.main));
		ck_assert(afw_row(AFW_MSG_AUTH_CONFIG)->check(&c.auth));
		conf_free(&c);
	}
	ck_assert_uint_gt(i, 0);
}
END_TEST

static void
must_fail(const char *key, const char *value)
{
	struct conf c;
	char quoted[80];

	ck_assert_msg(
	    parse(&c, key, value) == -1, "%s: %s is taken", key, value);
	ck_assert_int_eq(errno, EINVAL);
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	ck_assert_msg(strstr(errors_last(), quoted) != NULL,
	    "%s: %s: the key is not named: %s", key, value, errors_last());
	conf_free(&c);
}

START_TEST(bad_values)
{
	size_t i;

	for (i = 0; i < 8 && keys[_i].bad[i] != NULL; i++)
		must_fail(keys[_i].key, keys[_i].bad[i]);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (strchr(wrong[i].allowed, keys[_i].type) != NULL)
			continue;
		/* free text is what these three are */
		if (wrong[i].value[0] == '"' &&
		    (strcmp(keys[_i].key, "device_id") == 0 ||
			strcmp(keys[_i].key, "device_type") == 0 ||
			strcmp(keys[_i].key, "project_id") == 0))
			continue;
		must_fail(keys[_i].key, wrong[i].value);
	}
	if (keys[_i].type == 'f')
		must_fail(keys[_i].key, "7");
}
END_TEST

START_TEST(defaults)
{
	struct conf c;
	char addr[AFW_ADDR_TEXT];

	ck_assert_int_eq(
	    conf_parse(
		&c, "{ \"tun_ifname\" : \"wrt0\", \"wan_ifname\" : \"eth1\" }"),
	    0);
	ck_assert_str_eq(c.main.tun_ifname, "wrt0");
	ck_assert_str_eq(c.main.wan_ifname, "eth1");
	ck_assert_str_eq(c.main.vl_default, "");
	ck_assert_str_eq(afw_addr_print(&c.main.tun_addr, addr, sizeof(addr)),
	    "100.73.0.73");
	ck_assert_uint_eq(c.main.type, AFW_TYPE_HYDRA_TCP);
	ck_assert_uint_eq(c.main.report_interval, 30000);
	ck_assert_uint_eq(c.main.reconnect_interval, 10);
	ck_assert_uint_eq(c.main.reconnect, AFW_RECONNECT_MANUAL);
	ck_assert_uint_eq(c.main.v4v6, AFW_V4V6_LEGACY);
	ck_assert_uint_eq(c.main.flags, AFW_C_LAN_BYPASS);
	ck_assert_uint_eq(c.main.fwmark, 8);
	ck_assert_uint_eq(c.main.fwmark_mask, 0xffffffff);
	ck_assert_uint_eq(c.main.route_table, 47);
	ck_assert_uint_eq(c.main.rule_priority, 10);
	ck_assert_uint_eq(c.main.wan_wait, 60);
	ck_assert_uint_eq(c.main.tun_mtu, 0);
	ck_assert_uint_eq(c.main.connections, 1);
	ck_assert_uint_eq(c.main.log_level, 6);
	ck_assert_str_eq(c.main.config_dir, "/etc/afwrt");
	ck_assert_str_eq(c.main.tun_dev_path, "/dev/net/tun");
	ck_assert_str_eq(c.main.ca_file, "");
	ck_assert_str_eq(c.auth.device_id, "default_device_id");
	ck_assert_str_eq(c.auth.device_type, "wrt");
	ck_assert_str_eq(c.auth.project_id, "af_router_sdk_test");
	ck_assert_uint_eq(c.auth.backends, 1);
	ck_assert_uint_eq(c.nrules, 0);
	ck_assert_int_eq(c.tun_fd, -1);
	conf_free(&c);
}
END_TEST

START_TEST(values_arrive)
{
	struct conf c;

	ck_assert_int_eq(
	    conf_parse(&c,
		"{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\","
		"\"dns\":\"tunnel\",\"lan_bypass\":0,\"killswitch\":1,"
		"\"ipv6_output_only\":1,\"fwmark\":\"0x30\","
		"\"fwmark_mask\":\"0xf0\",\"rcvbuf\":-1,"
		"\"v4v6_policy\":\"both\",\"log_level\":\"debug\","
		"\"backend\":[\"https://a\",\"https://b\"],"
		"\"auth_method\":\"firebase\",\"auth_token\":\"s3cret/+=\","
		"\"protected_ifaces\":[{\"iface\":\"br0\",\"vl\":\"de\"}],"
		"\"protected_ip_addrs\":[{\"ip_addr\":\"10.0.0.1\","
		"\"vl\":\"us\"}]}"),
	    0);
	ck_assert_uint_eq(c.main.flags,
	    AFW_C_DNS_TUNNEL | AFW_C_KILLSWITCH | AFW_C_IPV6_OUTPUT_ONLY);
	ck_assert_uint_eq(c.main.fwmark, 0x30);
	ck_assert_uint_eq(c.main.fwmark_mask, 0xf0);
	ck_assert_uint_eq(c.main.rcvbuf, 0);
	ck_assert_uint_eq(c.main.log_level, 7);
	ck_assert_uint_eq(c.auth.v4v6, AFW_V4V6_BOTH);
	ck_assert_uint_eq(c.auth.ipv6_exit, 1);
	ck_assert_uint_eq(c.auth.backends, 2);
	ck_assert_uint_eq(c.backends[1].index, 1);
	ck_assert_str_eq(c.backends[1].url, "https://b");
	ck_assert_str_eq(c.auth_method, "firebase");
	ck_assert_str_eq(c.auth_token, "s3cret/+=");
	ck_assert_uint_eq(c.nrules, 2);
	ck_assert_uint_eq(c.rules[0].key.kind, AFW_KEY_IFACE);
	ck_assert_str_eq(c.rules[1].location, "us");
	conf_free(&c);
	ck_assert_str_eq(c.auth_token, "");
}
END_TEST

START_TEST(whole_texts)
{
	static const char *const texts[] = {"", "x", "[]", "1", "{",
	    "{\"tun_ifname\":\"wrt0\"}", "{\"wan_ifname\":\"eth1\"}",
	    "{\"tun_ifname\":\"a\",\"wan_ifname\":\"a\"}",
	    "{\"tun_ifname\":\"a\",\"tun_ifname\":\"b\","
	    "\"wan_ifname\":\"c\"}",
	    "{\"tun_ifname\":\"a\",\"wan_ifname\":\"b\","
	    "\"auth_token\":\"t\"}"};
	struct conf c;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		errno = 0;
		ck_assert_msg(conf_parse(&c, texts[i]) == -1, "%s", texts[i]);
		ck_assert_int_eq(errno, EINVAL);
		conf_free(&c);
	}
}
END_TEST

START_TEST(limits)
{
	char *big = malloc(CONFIG_JSON_MAX + 2);
	struct conf c;

	memset(big, ' ', CONFIG_JSON_MAX + 1);
	big[CONFIG_JSON_MAX + 1] = '\0';
	ck_assert_int_eq(conf_parse(&c, big), -1);
	ck_assert_ptr_nonnull(strstr(errors_last(), "more than 1048576"));
	conf_free(&c);
	free(big);
}
END_TEST

/* Secrets never appear in an error text. */
START_TEST(secrets_unsaid)
{
	struct conf c;

	ck_assert_int_eq(parse(&c, "access_token", "\"hush hush\""), -1);
	ck_assert_ptr_null(strstr(errors_last(), "hush"));
	conf_free(&c);
	ck_assert_int_eq(parse(&c, "auth_token", "\"hush hush\""), -1);
	ck_assert_ptr_null(strstr(errors_last(), "hush"));
	conf_free(&c);
}
END_TEST

static char said[1024];

static void
say(int level, const char *line, void *user)
{
	(void)user;
	ck_assert_int_eq(level, 4);
	(void)strncat(said, line, sizeof(said) - strlen(said) - 1);
}

START_TEST(unknown_keys)
{
	struct conf c;

	notice_set(say, NULL);
	ck_assert_int_eq(parse(&c, "colour", "\"blue\""), 0);
	conf_free(&c);
	ck_assert_int_eq(parse(&c, "protected_ifaces",
			     "[{\"iface\":\"br0\",\"vl\":\"de\",\"taste\":1}]"),
	    0);
	conf_free(&c);
	notice_flush();
	ck_assert_ptr_nonnull(strstr(said, "\"colour\""));
	ck_assert_ptr_nonnull(strstr(said, "\"taste\""));
	notice_set(NULL, NULL);
}
END_TEST

#define WG                                                  \
	"{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"eth1\"," \
	"\"type\":\"wireguard\""
#define RULE "[{\"ip_addr\":\"10.0.0.1\",\"vl\":\"de\"}]"

/* The document: rules do not work with it, so they must not seem to. */
START_TEST(wireguard_rules)
{
	struct conf c;

	ck_assert_int_eq(
	    conf_parse(&c, WG ",\"protected_ip_addrs\":" RULE "}"), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(errors_last(), "\"protected_ip_addrs\""));
	ck_assert_ptr_nonnull(strstr(errors_last(), "\"managed\""));
	conf_free(&c);
	ck_assert_int_eq(
	    conf_parse(&c,
		WG ",\"protected_ifaces\":[{\"iface\":\"br0\",\"vl\":\"de\"}],"
		   "\"protected_ip_addrs\":[]}"),
	    -1);
	ck_assert_ptr_nonnull(strstr(errors_last(), "\"protected_ifaces\""));
	conf_free(&c);
	ck_assert_int_eq(
	    conf_parse(&c,
		WG ",\"protected_ip_addrs\":[],\"protected_mac_addrs\":\"\"}"),
	    0);
	conf_free(&c);
	ck_assert_int_eq(conf_parse(&c,
			     WG ",\"wireguard_routing\":\"managed\","
				"\"protected_ip_addrs\":" RULE "}"),
	    0);
	ck_assert_uint_eq(c.nrules, 1);
	conf_free(&c);
}
END_TEST

START_TEST(wireguard_ignores)
{
	struct conf c;

	said[0] = '\0';
	notice_set(say, NULL);
	ck_assert_int_eq(
	    conf_parse(&c, WG ",\"default_gateway\":1,\"hydra_tun_fd\":0}"), 0);
	ck_assert_uint_eq(
	    c.main.flags & (AFW_C_DEFAULT_GATEWAY | AFW_C_TUN_FD), 0);
	ck_assert_int_eq(c.tun_fd, -1);
	conf_free(&c);
	notice_flush();
	ck_assert_ptr_nonnull(strstr(said, "\"default_gateway\" ignored"));
	ck_assert_ptr_nonnull(strstr(said, "\"hydra_tun_fd\" ignored"));
	notice_set(NULL, NULL);
	ck_assert_int_eq(conf_parse(&c,
			     WG ",\"wireguard_routing\":\"managed\","
				"\"default_gateway\":1}"),
	    0);
	ck_assert_uint_eq(c.main.flags,
	    AFW_C_DEFAULT_GATEWAY | AFW_C_WG_MANAGED | AFW_C_LAN_BYPASS);
	conf_free(&c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config");
	TCase *c = tcase_create("config");
	SRunner *r;
	int failed;

	tcase_add_loop_test(c, good_values, 0, (int)KEYS);
	tcase_add_loop_test(c, bad_values, 0, (int)KEYS);
	tcase_add_test(c, defaults);
	tcase_add_test(c, values_arrive);
	tcase_add_test(c, whole_texts);
	tcase_add_test(c, limits);
	tcase_add_test(c, secrets_unsaid);
	tcase_add_test(c, unknown_keys);
	tcase_add_test(c, wireguard_rules);
	tcase_add_test(c, wireguard_ignores);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
