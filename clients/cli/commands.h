// The commands, one function each. Each returns the exit code, and has said what went wrong.
//
// Threads: one; answers come on others.
#pragma once

#include "clients/cli/interrupt.h"
#include "clients/cli/settings.h"

namespace tuplespace::cli {

int run_out(client::Connection& connection, const Settings& settings);
int run_out_from_pipe(client::Connection& connection, const Settings& settings,
                      Interrupt& interrupt);

int run_in(client::Connection& connection, const Settings& settings, Interrupt& interrupt);
int run_rd(client::Connection& connection, const Settings& settings, Interrupt& interrupt);

int run_scan(client::Connection& connection, const Settings& settings);
int run_count(client::Connection& connection, const Settings& settings);
int run_spaces(client::Connection& connection, const Settings& settings);
int run_stats(client::Connection& connection, const Settings& settings);
int run_create(client::Connection& connection, const Settings& settings);
int run_drop(client::Connection& connection, const Settings& settings);

int run_bench(client::Connection& connection, const Settings& settings, Interrupt& interrupt);

int run_collect(client::Connection& connection, const Settings& settings);
int run_atomic(client::Connection& connection, const Settings& settings, Interrupt& interrupt);
int run_begin(client::Connection& connection, const Settings& settings);
int run_end(client::Connection& connection, const Settings& settings);  // commit, abort
int run_renew(client::Connection& connection, const Settings& settings);
int run_release(client::Connection& connection, const Settings& settings);
int run_watch(client::Connection& connection, const Settings& settings, Interrupt& interrupt);

int run_blocked(client::Connection& connection, const Settings& settings);
int run_held(client::Connection& connection, const Settings& settings);
int run_explain(client::Connection& connection, const Settings& settings);
int run_session(client::Connection& connection, const Settings& settings);

int run_work(client::Connection& connection, const Settings& settings, Interrupt& interrupt);
int run_lock(client::Connection& connection, const Settings& settings, Interrupt& interrupt);
int run_barrier(client::Connection& connection, const Settings& settings, Interrupt& interrupt);

// Complains about `status` and returns kError.
int fail(const Status& status);
// The same for an error in the text of the command line.
int fail_text(const Status& status, const Settings& settings);

}  // namespace tuplespace::cli
