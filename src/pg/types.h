// Names of the server's types for our headers, which stay free of the server's own headers.
//
// The server's headers redefine printf and more, so they come last in a .cpp file (pg/server.h);
// a header of ours that only mentions a type takes it from here.
#pragma once

#include <cstddef>
#include <cstdint>

using Oid = unsigned int;
using Datum = uintptr_t;
using SubTransactionId = uint32_t;

struct EState;
struct ExplainState;
struct ExprContext;
struct ExprState;
struct ForeignScan;
struct ForeignScanState;
struct FunctionCallInfoBaseData;
struct List;
struct MemoryContextData;
struct Node;
struct PlannedStmt;
struct QueryDesc;
struct RelationData;
struct TupleTableSlot;
