// Says in the server's log who opens masks and sealed messages: when, how often, with which keys,
// and never what was in them.
//
// Two wishes go against each other: one line for each statement, with the number of calls, and
// nothing opened before the log says so. So sqs_fdw.audit_unmask = statement (the default) writes
//
//   * a line before the first value of each function, key and role in a statement is returned:
//     sqs_fdw audit: first use: function=sqs.unmask key=k1 role="analyst" session_role="alice" ...
//   * one line at the end of the statement with the numbers of calls, also where it failed, or its
//     session was terminated:
//     sqs_fdw audit: end of statement: outcome=ok calls=120 (function=sqs.unmask key=k1 ...)
//
// A reader who wants one line per statement takes the second; a crash leaves the first. `call`
// writes a line before each value instead; `off` writes nothing. Names are quoted as in JSON, since
// roles and databases may have any character in their names.
//
// The level is LOG, which no setting of an ordinary user holds back: log_min_messages and
// sqs_fdw.audit_unmask are a superuser's, and client_min_messages is not asked. The lines go to the
// server's log only, without the statement and without a context, which might quote values.
//
// A statement is what a client sends: what functions and triggers run inside it belongs to it. What
// triggers do after it, or when its transaction commits, has lines of its own, and so has each
// FETCH. The end of the statement that loads the library may be written with the next one.
#pragma once

#include <string_view>

namespace sqs_fdw::pg {

// Defines sqs_fdw.audit_unmask. Called once, from DefineSettings.
void DefineAuditSettings();

// Watches where statements end. Called once per backend, from _PG_init.
void InstallAuditHooks();

// Call this with the value opened and not yet returned. `function` is a literal, such as
// "sqs.unmask"; `key_id` is that of the key that opened the value. Server phase; raises only where
// memory runs out.
void AuditUnmask(const char *function, std::string_view key_id);

}  // namespace sqs_fdw::pg
