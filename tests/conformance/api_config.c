/* SPDX-License-Identifier: ISC */
/* afwrt_init and the configuration text: what is taken and what is refused. */
#include "conform.h"

#include <stdio.h>
#include <unistd.h>

/* Refused, the reason names the word, and nothing is left running. */
static void
refused(const char *json, const char *word)
{
	ck_fails(afwrt_init(json, on_event), EINVAL);
	ck_assert_msg(strstr(afwrt_last_error(), word) != NULL,
	    "%s: the reason does not name %s: %s", json == NULL ? "NULL" : json,
	    word, afwrt_last_error());
	ck_assert_int_eq(count_helpers(), 0);
	ck_fails(afwrt_deinit(), EINVAL);
}

START_TEST(init_refuses_what_is_no_configuration)
{
	refused(NULL, "NULL");
	refused("", "JSON");
	refused("{", "JSON");
	refused("[]", "object");
	refused("\"wrt0\"", "JSON");
	refused("{}", "tun_ifname");
	refused("{\"tun_ifname\":\"wrt0\"}", "wan_ifname");
	refused("{\"wan_ifname\":\"wan0\"}", "tun_ifname");
	refused("{\"tun_ifname\":\"a\",\"tun_ifname\":\"b\"}", "JSON");
}
END_TEST

/* Each key with a value of the wrong type, and with one out of its range. */
START_TEST(init_names_the_key_that_is_wrong)
{
	static const char *const bad[][2] = {
	    {"tun_ifname", "1"},
	    {"tun_ifname", "\"a-very-long-name\""},
	    {"tun_ifname", "\"a/b\""},
	    {"wan_ifname", "[]"},
	    {"hydra_tun_fd", "\"x\""},
	    {"hydra_tun_fd", "999"},
	    {"vl_default", "7"},
	    {"vl_default", "\"a b\""},
	    {"backend", "1"},
	    {"backend", "\"ftp://b.example\""},
	    {"backend", "\"http://192.0.2.1\""},
	    {"type", "\"openvpn\""},
	    {"type", "1"},
	    {"auth_method", "1"},
	    {"auth_method", "\"a b\""},
	    {"auth_token", "\"a b\""},
	    {"data_report_interval", "-1"},
	    {"data_report_interval", "\"fast\""},
	    {"default_gateway", "2"},
	    {"default_gateway", "\"yes\""},
	    {"v4v6_policy", "\"ipv5\""},
	    {"ipv6_output_only", "2"},
	    {"hydra_default_vl_reconnect_interval", "-1"},
	    {"config_dir", "\"relative\""},
	    {"tun_dev_path", "\"tun\""},
	    {"tun_addr", "\"100.73.0\""},
	    {"tun_addr", "\"fd00::1\""},
	    {"tun_mtu", "100"},
	    {"tun_mtu", "70000"},
	    {"no_iptables", "2"},
	    {"no_socket_setup", "[]"},
	    {"protected_ip_addrs", "{}"},
	    {"protected_ip_addrs", "[{\"ip_addr\":\"10.0.0.1\"}]"},
	    {"protected_ip_addrs", "[{\"ip_addr\":\"\",\"vl\":\"us\"}]"},
	    {"protected_ip_addrs", "[{\"ip_addr\":\"10.0.0.1\",\"vl\":\"\"}]"},
	    {"protected_mac_addrs", "[{\"mac_addr\":\"08:00\",\"vl\":\"us\"}]"},
	    {"protected_ifaces", "[{\"iface\":\"\",\"vl\":\"us\"}]"},
	    {"killswitch", "3"},
	    {"lan_bypass", "\"\""},
	    {"fwmark", "0"},
	    {"fwmark_mask", "-1"},
	    {"route_table", "0"},
	    {"route_table", "254"},
	    {"rule_priority", "32766"},
	    {"reconnect", "\"never\""},
	    {"wan_wait", "-1"},
	    {"dns", "\"192.0.2.1\""},
	    {"connections", "0"},
	    {"ca_file", "\"ca.pem\""},
	    {"log_level", "\"loud\""},
	    {"access_token", "\"a/b\""},
	};
	char changes[256];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(changes, sizeof(changes), "{\"%s\":%s}",
		    bad[i][0], bad[i][1]);
		refused(config_with(changes), bad[i][0]);
	}
}
END_TEST

START_TEST(init_refuses_more_than_a_mebibyte)
{
	static char json[1024 * 1024 + 64];

	memset(json, ' ', sizeof(json) - 1);
	memcpy(json, "{\"tun_ifname\":\"wrt0\",\"wan_ifname\":\"wan0\"}", 41);
	refused(json, "bytes");
}
END_TEST

static char logged[4096];

static void
log_keep(int level, const char *line, void *user)
{
	(void)user;
	if (level == 4)
		(void)snprintf(logged + strlen(logged),
		    sizeof(logged) - strlen(logged), "%s\n", line);
}

START_TEST(unknown_keys_are_warned_about_and_ignored)
{
	afwrt_set_log_callback(log_keep, NULL);
	begin("{\"colour\":\"blue\",\"iptables_chain\":[1,2]}");
	ck_assert_ptr_nonnull(strstr(logged, "colour"));
	ck_assert_ptr_nonnull(strstr(logged, "iptables_chain"));
	ck_does(afwrt_deinit());
	afwrt_set_log_callback(NULL, NULL);
}
END_TEST

/* The document's minimal working configuration, as it stands there. */
START_TEST(the_minimal_configuration_works)
{
	ck_does(afwrt_init(
	    "{ \"tun_ifname\" : \"wrt0\", \"wan_ifname\" : \"wan0\" }", NULL));
	ck_assert_int_eq(count_helpers(), 4);
	ck_does(afwrt_deinit());
	ck_assert_int_eq(count_helpers(), 0);
}
END_TEST

/* Every example value of the document that does not need another system. */
START_TEST(the_examples_of_the_document_are_accepted)
{
	begin("{\"tun_ifname\":\"wrt0\",\"vl_default\":\"us\","
	      "\"type\":\"hydra-tcp\",\"data_report_interval\":30000,"
	      "\"default_gateway\":0,\"v4v6_policy\":\"legacy\","
	      "\"ipv6_output_only\":0,\"hydra_default_vl_reconnect_interval\":"
	      "10,\"tun_dev_path\":\"/dev/net/tun\",\"tun_addr\":"
	      "\"100.73.0.73\",\"tun_mtu\":0,\"no_iptables\":0,"
	      "\"no_socket_setup\":0,\"protected_ip_addrs\":[{\"ip_addr\":"
	      "\"192.168.50.159\",\"vl\":\"us-new-york\"},{\"ip_addr\":"
	      "\"192.168.50.139\",\"vl\":\"de-berlin\"}]}");
	ck_does(afwrt_deinit());
	begin("{\"protected_ip_addrs\":\"\",\"protected_mac_addrs\":\"\","
	      "\"protected_ifaces\":\"\",\"vl_default\":\"\"}");
}
END_TEST

/* The second address of the example has the group bit; it is the document's. */
START_TEST(the_example_of_protected_mac_addrs_is_accepted)
{
	begin("{\"protected_mac_addrs\":[{\"mac_addr\":\"08:00:27:AA:D7:17\","
	      "\"vl\":\"us-new-york\"},{\"mac_addr\":\"09:01:28:AB:D8:18\","
	      "\"vl\":\"de-berlin\"}]}");
}
END_TEST

START_TEST(the_example_of_protected_ifaces_is_accepted)
{
	begin("{\"protected_ifaces\":[{\"iface\":\"eth1\",\"vl\":"
	      "\"us-new-york\"},{\"iface\":\"br0\",\"vl\":\"de-berlin\"}]}");
}
END_TEST

START_TEST(v4v6_policy_takes_all_four_words)
{
	static const char *const words[] = {
	    "legacy", "ipv4_only", "ipv6_only", "both"};
	char changes[64];
	size_t i;

	for (i = 0; i < 4; i++) {
		(void)snprintf(changes, sizeof(changes),
		    "{\"v4v6_policy\":\"%s\"}", words[i]);
		begin(changes);
		ck_does(afwrt_deinit());
	}
}
END_TEST

/* "A directory should be already created": told when it is needed. */
START_TEST(a_config_dir_that_is_not_there_is_told)
{
	char *list;

	logged[0] = '\0';
	afwrt_set_log_callback(log_keep, NULL);
	begin("{\"config_dir\":\"/nonexistent/dir\"}");
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	afwrt_free(list);
	ck_does(afwrt_deinit());
	afwrt_set_log_callback(NULL, NULL);
	ck_assert_msg(strstr(logged, "/nonexistent/dir") != NULL,
	    "no warning: %s", logged);
	ck_assert_int_eq(access("/nonexistent", F_OK), -1);
}
END_TEST

int
main(void)
{
	conform_begin("api_config");
	CONFORM(init_refuses_what_is_no_configuration, 20);
	CONFORM(init_names_the_key_that_is_wrong, 30);
	CONFORM(init_refuses_more_than_a_mebibyte, 10);
	CONFORM(unknown_keys_are_warned_about_and_ignored, 20);
	CONFORM(the_minimal_configuration_works, 20);
	CONFORM(the_examples_of_the_document_are_accepted, 20);
	CONFORM(the_example_of_protected_mac_addrs_is_accepted, 20);
	CONFORM(the_example_of_protected_ifaces_is_accepted, 20);
	CONFORM(v4v6_policy_takes_all_four_words, 30);
	CONFORM(a_config_dir_that_is_not_there_is_told, 20);
	return conform_run();
}
