/* SPDX-License-Identifier: ISC */
#include "retry.h"

int64_t
retry_delay(const struct afw_m_route *conf, bool stable, unsigned int n,
    uint32_t jitter)
{
	int64_t ms;

	if (conf->reconnect_interval == 0 &&
	    conf->reconnect != AFW_RECONNECT_AUTO)
		return -1;
	if (stable)
		return 0;
	if (conf->reconnect_interval != 0)
		return (int64_t)conf->reconnect_interval * 1000;
	ms = n >= 6 ? RETRY_MAX_MS : (int64_t)RETRY_FIRST_MS << n;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	return ms - ms / 5 + jitter % (uint32_t)(ms / 5 + 1);
}
