// Package process runs one child process for a test or a demonstration: a Java
// server, a Kafka broker, the coord binary.
//
// It owns the child's life: started with its output in a log file, stopped by
// its own process id and never by name, killed by the kernel when the parent
// dies, and ended with the test that started it. It also finds free ports and
// tells whether a port is really served by that child and not by a stranger
// who was faster.
//
// It does not know what the child is, nor when it is ready to serve: the
// packages javazk, coordproc and kafka do.
package process
