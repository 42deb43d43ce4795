// Package extent says how much the long suites are to do: a condensed run, as
// among all other tests, or the whole one, of which the environment variable
// KAFKACOORD_LONG tells. Both check the same things; the whole one checks them
// more often and in more orders.
package extent
