/* SPDX-License-Identifier: MIT */
/* What this process was asked for: to stop, or to save what it has so far. */
#include <mgen/base.h>

#include <stdatomic.h>

static atomic_bool is_asked, is_save_asked;

void mg_stop_ask(void) { atomic_store_explicit(&is_asked, true, memory_order_relaxed); }
bool mg_stop_asked(void) { return atomic_load_explicit(&is_asked, memory_order_relaxed); }
void mg_stop_forget(void) { atomic_store_explicit(&is_asked, false, memory_order_relaxed); }

void mg_save_ask(void) { atomic_store_explicit(&is_save_asked, true, memory_order_relaxed); }
bool mg_save_take(void) { return atomic_exchange_explicit(&is_save_asked, false, memory_order_relaxed); }
