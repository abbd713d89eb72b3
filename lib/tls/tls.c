/* SPDX-License-Identifier: ISC */
#include "tls.h"
