// Package fault does to an ensemble what goes wrong in data centres: a server is
// killed, stopped, held up or cut off, and comes back later. The kinds of fault
// are values, so that several suites go through the same ones.
//
// It does not judge what the ensemble makes of a fault.
package fault
