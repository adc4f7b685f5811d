// Hooks of the server: other libraries may have set them before, and are called on.
#pragma once

namespace sqs_fdw::pg {

// Sets the hook, and returns what was there before; null for nothing.
template <class Function>
Function *InstallHook(Function **hook, Function *ours)
{
	Function *previous = *hook;
	*hook = ours;
	return previous;
}

// What a hook of ours calls on: what was there before or, without that, what the server does.
template <class Function>
Function *NextOf(Function *previous, Function *standard)
{
	return previous != nullptr ? previous : standard;
}

}  // namespace sqs_fdw::pg
