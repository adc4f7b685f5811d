// What the running statement does with rows: writes them, or hands them to somebody.
#pragma once

#include "pg/types.h"

namespace sqs_fdw::pg {

// Whether messages that the statement of `estate` reads are taken, by default (consume 'on_write'):
// INSERT, UPDATE, DELETE, MERGE, a WITH that does one of these, CREATE TABLE AS and SELECT INTO
// write; SELECT, cursors, COPY (SELECT) TO and materialized views look. Ask when the first row is
// wanted, or to explain, not before: only then it is known where the rows go.
bool StatementWrites(struct ::EState *estate);

// The table that CREATE TABLE AS or SELECT INTO has made for the rows of the statement of `estate`,
// which runs; 0 where it is no such statement.
Oid TableFilled(struct ::EState *estate);

// Raises where the statement is the query of a PL/pgSQL loop that a COMMIT or ROLLBACK inside it
// runs to its end, to store the rows.
void RefuseKept(struct ::EState *estate);

// Whether this is the first time that it is asked of the running statement of `estate`: for
// warnings that each of its scans might raise.
bool FirstToWarn(struct ::EState *estate);

// Watches ExecutorRun, EXPLAIN and new tables. Called once per backend, from _PG_init.
void InstallExecutorHooks();

}  // namespace sqs_fdw::pg
