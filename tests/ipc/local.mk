# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one.
if HAVE_CHECK
endif
