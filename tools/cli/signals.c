/* SPDX-License-Identifier: MIT */
/* Signals: the first SIGINT or SIGTERM asks the library to stop, the second one leaves at once; SIGUSR1 asks it to save
   what it has so far; a reader that goes away ends the tool quietly. Whatever ends it, no unfinished output stays
   behind. */
#include "cli/inside.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t caught;

static void leave(int signal_number)
{
    mg_out_abandon_all();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_stop(int signal_number)
{
    if (caught) leave(signal_number);
    caught = signal_number;
    mg_stop_ask();
}

static void on_save(int signal_number)
{
    (void)signal_number;
    mg_save_ask();
}

int cli_signal_caught(void) { return caught; }

/* A signal that the parent chose to ignore stays ignored. */
static void catch_unless_ignored(int signal_number, void (*handler)(int))
{
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, NULL, &old) == 0 && old.sa_handler == SIG_IGN) return;
    sigaction(signal_number, &action, NULL);
}

void cli_signals_start(void)
{
    catch_unless_ignored(SIGINT, on_stop);
    catch_unless_ignored(SIGTERM, on_stop);
    catch_unless_ignored(SIGUSR1, on_save);
    catch_unless_ignored(SIGPIPE, leave);
    catch_unless_ignored(SIGHUP, leave);
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no longer is an error like a full disk */
}
