// Package network gives processes hosts of their own on this machine, Linux
// network namespaces, and takes the cables out.
//
// Every host has two network cards: one in a switch that only the hosts are in,
// for what servers say to each other, and one in a switch that this machine is
// in too, for clients. A host can be cut from the other hosts, its clients
// noticing nothing but what the server then does, or be cut off altogether. What
// is sent over a cable that is out is lost without a word: no connection breaks
// at that moment, as none does in a real partition.
//
// It needs the ip command (iproute2) and the right to administer networks, root's.
package network
