// Names of the server's types for our headers, which stay free of the server's own headers.
//
// The server's headers redefine printf and more, so they come last in a .cpp file (pg/server.h);
// a header of ours that only mentions a type takes it from here.
#pragma once

#include <cstddef>
#include <cstdint>

typedef unsigned int Oid;
typedef uintptr_t Datum;
typedef uint32_t SubTransactionId;

struct EState;
struct ExplainState;
struct ExprContext;
struct ExprState;
struct ForeignScan;
struct ForeignScanState;
struct FunctionCallInfoBaseData;
struct List;
struct MemoryContextData;
struct PlannedStmt;
struct QueryDesc;
struct RelationData;
struct TupleTableSlot;
