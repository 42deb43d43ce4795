// Package admin answers operators: the four-letter words on the client port.
//
// It owns the texts, which scripts, agents and dashboards parse byte by byte,
// the rule which words are allowed, and the version string that the server
// shows. It promises ZooKeeper 3.9's text for every word. It reads a Status,
// a plain value that the server hands out, and changes nothing but through the
// reset calls of Source.
//
// It opens no socket: whoever reads the first four bytes of a connection asks
// IsWord, sends what Answer returns, and closes.
//
// It answers to ZooKeeper: FourLetterCommands.java and server/command/*.java.
package admin
