// The validator: what CREATE and ALTER of servers, user mappings, foreign tables and columns may
// say.
#include <cstring>

#include "pg/option.h"
#include "pg/option_table.h"

#include "pg/server.h"

extern "C" {
#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
}

namespace sqs_fdw::pg {

namespace {

const char *ValidOptions(Oid where)
{
	StringInfoData list;
	initStringInfo(&list);
	for (const Option &option : Options()) {
		if (option.where == where)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", option.name);
	}
	return list.data;
}

[[noreturn]] void RaiseUnknownOption(const char *name, Oid where)
{
	const char *elsewhere = nullptr;
	for (const Option &option : Options()) {
		if (strcmp(option.name, name) == 0)
			elsewhere = PlaceName(option.where);
	}
	const char *valid = ValidOptions(where);
	ereport(ERROR,
	    (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
	        errmsg("invalid option \"%s\" for a %s", name, PlaceName(where)),
	        elsewhere != nullptr ? errdetail("\"%s\" is an option of a %s.", name, elsewhere) : 0,
	        valid[0] != '\0' ? errhint("Valid options of a %s are: %s.", PlaceName(where), valid)
	                         : errhint("A %s has no options.", PlaceName(where))));
	pg_unreachable();
}

void CheckNumber(const Option &option, const char *value)
{
	char *end = nullptr;
	errno = 0;
	const long number = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < option.min || number > option.max)
		ereport(
		    ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		               errmsg("invalid value for option \"%s\"", option.name),
		               errhint("It is a whole number from %ld to %ld.", option.min, option.max)));
}

// Whether `value` is one of the comma-separated choices.
bool IsChoice(const char *choices, const char *value)
{
	const size_t length = strlen(value);
	for (const char *at = choices; length > 0 && (at = strstr(at, value)) != nullptr; ++at) {
		const bool begins = at == choices || at[-1] == ' ';
		const bool ends = at[length] == '\0' || at[length] == ',';
		if (begins && ends)
			return true;
	}
	return false;
}

void CheckValue(const Option &option, DefElem *definition)
{
	const char *value = defGetString(definition);
	bool parsed = false;
	switch (option.kind) {
		case OptionKind::kText:
			break;
		case OptionKind::kBool:
			if (!parse_bool(value, &parsed))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				                   errmsg("invalid value for option \"%s\"", option.name),
				                   errhint("It is true or false.")));
			break;
		case OptionKind::kNumber:
			CheckNumber(option, value);
			break;
		case OptionKind::kChoice:
			if (!IsChoice(option.choices, value))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				                   errmsg("invalid value for option \"%s\"", option.name),
				                   errhint("Valid values are: %s.", option.choices)));
			break;
		case OptionKind::kChecked:
			option.check(value);
			break;
	}
}

const Option *FindOption(const char *name, Oid where)
{
	for (const Option &option : Options()) {
		if (option.where == where && strcmp(option.name, name) == 0)
			return &option;
	}
	return nullptr;
}

int CountGiven(List *options, const char *const names[], int count)
{
	int given = 0;
	for (int i = 0; i < count; ++i)
		given += FindText(options, names[i]) != nullptr ? 1 : 0;
	return given;
}

// The rules that concern more than one option of the same object.
void CheckTogether(List *options, Oid where)
{
	static constexpr const char *kQueueNames[] = {"queue", "queue_url", "queue_arn"};
	static constexpr const char *kSourceNames[] = {
	    "key", "pointer", "attribute", "message_attribute"};
	static constexpr const char *kKeyNames[] = {"access_key_id", "secret_access_key"};

	if (where == ForeignTableRelationId && CountGiven(options, kQueueNames, 3) != 1)
		ereport(
		    ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		               errmsg("a foreign table of sqs_fdw names exactly one queue"),
		               errhint("Give exactly one of the options queue, queue_url and queue_arn.")));
	if (where == AttributeRelationId && CountGiven(options, kSourceNames, 4) > 1)
		ereport(ERROR,
		    (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("a column has only one source"),
		        errhint("Give at most one of the options key, pointer, attribute and "
		                "message_attribute.")));
	if (where == UserMappingRelationId && CountGiven(options, kKeyNames, 2) == 1)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
		                   errmsg("access_key_id and secret_access_key belong together"),
		                   errhint("Give both options of the user mapping, or neither.")));
	if (where == ForeignServerRelationId && FindText(options, "endpoint") != nullptr &&
	    (FindBool(options, "use_fips") || FindBool(options, "use_dualstack")))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		                   errmsg("use_fips and use_dualstack choose among AWS's own endpoints"),
		                   errhint("Remove them, or remove the option endpoint.")));
}

}  // namespace

// Checks the options of one server, user mapping, foreign table or column.
SQS_FDW_FUNCTION(sqs_fdw_validator)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	const Oid where = PG_GETARG_OID(1);
	ListCell *cell;
	foreach (cell, options) {
		auto *definition = static_cast<DefElem *>(lfirst(cell));
		const Option *option = FindOption(definition->defname, where);
		if (option == nullptr)
			RaiseUnknownOption(definition->defname, where);
		CheckValue(*option, definition);
	}
	CheckTogether(options, where);
	PG_RETURN_VOID();
}

}  // namespace sqs_fdw::pg
