// Package coordproc starts the coord binary as a process for tests: servers
// from a zoo.cfg, stopped, killed and restarted like Java's.
//
// The binary is that of the environment variable COORD_BIN, or is built from
// this checkout, once in each test binary that uses it. What is tested is then
// the program that users run, not packages of it.
package coordproc
