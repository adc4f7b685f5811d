// The settings of the extension, as server variables.
#pragma once

namespace sqs_fdw::pg {

extern int delete_timeout_ms;    // sqs_fdw.delete_timeout
extern int release_timeout_ms;   // sqs_fdw.release_timeout
extern char *allowed_endpoints;  // sqs_fdw.allowed_endpoints

// Defines the settings. Called once, from _PG_init.
void DefineSettings();

}  // namespace sqs_fdw::pg
