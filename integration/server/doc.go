// Package server runs one ZooKeeper server process from a zoo.cfg: Java's or
// coord's, which take the same file and answer the same four-letter words.
//
// It writes the configuration, picks a port, waits until the server says that
// it serves, and stops, kills and restarts it on the same port and the same
// data directory. What program is started is the caller's choice: packages
// javazk and coordproc are the two.
//
// It does not form ensembles: one Server is one process. Package ensemble does.
package server
