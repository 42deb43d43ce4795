// Package sim runs whole ensembles under one seed: each server is a core.Core on
// a real store, on a disk in memory that can lose power, with a clock of its own
// and a network that delays, cuts and refuses. Clients speak the protocol bytes
// to them, faults strike, and a judge compares what every server applied and
// every client was told with what the protocol promises.
//
// A [World] is a queue of events in virtual time. It has no goroutine, reads no
// clock and draws every random number from one generator, so that equal
// [Options] give equal runs, to the last byte of the trace. [Run] plays one with
// random faults; scenarios build a world and steer it.
//
// The machines of a world are hosts of the core as package replica is: they
// carry out its outputs, and everything they know of the contract is in
// core.Input, core.Output and package zab. Deliberate bugs of a host ([Bug])
// show that the judge would notice.
//
// It is used by tests only.
package sim
