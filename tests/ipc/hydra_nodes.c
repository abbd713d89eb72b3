/* SPDX-License-Identifier: ISC */
#include "hydra_lab.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char lab_folder[] = "/tmp/afwrt-hydra-XXXXXX";
static pid_t nodes[NODES];

/* ---- the nodes --------------------------------------------------------- */

static bool
shell(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd) == 0;
}

static bool
loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	rc = ioctl(fd, SIOCSIFFLAGS, &ifr);
	(void)close(fd);
	return rc == 0;
}

static bool
certificates_make(void)
{
	return shell("cd %s && exec >/dev/null 2>&1 &&"
		     "ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
		     "-days 2' &&"
		     "for ca in ca other; do openssl req -x509 $ec -keyout "
		     "$ca.key -out $ca.pem -subj /CN=$ca || exit 1; done &&"
		     "openssl req $ec -keyout n.key -out n.csr -subj "
		     "/CN=node.test &&"
		     "echo subjectAltName=DNS:node.test >ext &&"
		     "openssl x509 -req -in n.csr -CA ca.pem -CAkey ca.key "
		     "-CAcreateserial -out n.pem -days 2 -extfile ext &&"
		     "printf 'pw\\npw\\n' | ocpasswd -c passwd alice",
	    lab_folder);
}

static bool
config_write(unsigned int node)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/conf%u", lab_folder, node);
	if ((f = fopen(path, "w")) == NULL)
		return false;
	(void)fprintf(f,
	    "auth = \"plain[passwd=%s/passwd]\"\n"
	    "tcp-port = %d\nrun-as-user = nobody\nrun-as-group = nogroup\n"
	    "socket-file = %s/s%u\nisolate-workers = false\n"
	    "server-cert = %s/n.pem\nserver-key = %s/n.key\n"
	    "device = vpn%u\nmax-clients = 64\nmax-same-clients = 0\n"
	    "rate-limit-ms = 0\nmax-ban-score = 0\nkeepalive = 2\n"
	    "dpd = 4\nmobile-dpd = 4\ncookie-timeout = 300\n"
	    "persistent-cookies = false\nrekey-time = 30\n"
	    "rekey-method = new-tunnel\npredictable-ips = true\n"
	    "ping-leases = false\ncisco-client-compat = true\n"
	    "ipv4-network = 10.99.%u.0/24\nipv6-network = fd99:%u::/64\n"
	    "ipv6-subnet-prefix = 128\nroute = default\nlog-level = 2\n",
	    lab_folder, LAB_PORT(node), lab_folder, node, lab_folder,
	    lab_folder, node, node + 1, node + 1);
	return fclose(f) == 0;
}

static bool
port_await(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(0x7f000001)};
	int fd, rc = -1, i;

	for (i = 0; i < 100 && rc == -1; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
		(void)close(fd);
		if (rc == -1)
			(void)poll(NULL, 0, 50);
	}
	return rc == 0;
}

static bool
node_start(unsigned int node)
{
	char conf[64], log[64];
	int fd;

	(void)snprintf(conf, sizeof(conf), "%s/conf%u", lab_folder, node);
	(void)snprintf(log, sizeof(log), "%s/log%u", lab_folder, node);
	if (!config_write(node))
		return false;
	if ((nodes[node] = fork()) == 0) {
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		(void)execlp("ocserv", "ocserv", "-f", "-c", conf, NULL);
		_exit(127);
	}
	return port_await(LAB_PORT(node));
}

bool
lab_begin(void)
{
	const char *why = NULL;
	unsigned int i;

	if (geteuid() != 0)
		why = "not root";
	else if (!shell("command -v ocserv ocpasswd openconnect openssl "
			">/dev/null"))
		why = "no ocserv, openconnect or openssl";
	else if (unshare(CLONE_NEWNET) == -1 || !loopback_up() ||
	    !shell("ip addr add " LAB_SERVER "/32 dev lo"))
		why = "no network namespaces";
	else if (access("/dev/net/tun", R_OK | W_OK) == -1)
		why = "no /dev/net/tun";
	if (why != NULL) {
		(void)printf("skipped: %s\n", why);
		return false;
	}
	if (mkdtemp(lab_folder) == NULL || chmod(lab_folder, 0755) == -1 ||
	    !shell("mkdir -p -m 0755 %s", AFWRT_CHROOT_DIR) ||
	    !certificates_make())
		abort();
	for (i = 0; i < NODES; i++)
		if (!node_start(i))
			abort();
	return true;
}

void
lab_end(void)
{
	unsigned int i;

	for (i = 0; i < NODES; i++)
		if (nodes[i] > 0) {
			(void)kill(nodes[i], SIGTERM);
			(void)waitpid(nodes[i], NULL, 0);
		}
	(void)shell("rm -rf %s", lab_folder);
}

const char *
lab_cookie(unsigned int node)
{
	static char text[2048];
	char cmd[512], *start;
	FILE *p;
	size_t n;

	(void)snprintf(cmd, sizeof(cmd),
	    "echo pw | timeout 10 openconnect --cookieonly --non-inter "
	    "--passwd-on-stdin -u alice --cafile %s/ca.pem --resolve "
	    "node.test:127.0.0.1 https://node.test:%d 2>/dev/null",
	    lab_folder, LAB_PORT(node));
	ck_assert_ptr_nonnull(p = popen(cmd, "r"));
	n = fread(text, 1, sizeof(text) - 1, p);
	text[n] = '\0';
	(void)pclose(p);
	start = strstr(text, "webvpn=");
	ck_assert_msg(start != NULL, "no cookie from node %u", node);
	start += strlen("webvpn=");
	start[strcspn(start, ";\n")] = '\0';
	return start;
}
