/* SPDX-License-Identifier: MIT */
/* Whether this process was asked to stop. */
#include <mgen/base.h>

#include <stdatomic.h>

static atomic_bool is_asked;

void mg_stop_ask(void) { atomic_store_explicit(&is_asked, true, memory_order_relaxed); }
bool mg_stop_asked(void) { return atomic_load_explicit(&is_asked, memory_order_relaxed); }
void mg_stop_forget(void) { atomic_store_explicit(&is_asked, false, memory_order_relaxed); }
