// Package config reads the configuration of a server: zoo.cfg, the dynamic
// configuration file and the -D system properties that ZooKeeper's users set
// through JVM flags.
//
// It owns the grammar (Java Properties), the table of every key that ZooKeeper
// knows with what this server does about it, validation with file and line,
// and the defaults. It promises that a file which ZooKeeper accepts is accepted
// here too, unless dropping a setting would weaken security or data safety;
// that every value can be traced to its origin; and that a key which asks for
// something this server does not do is named in a warning. Keys that only tune
// parts of the Java server or its clients are taken without a word.
//
// It does not open ports, create directories, read certificates or log:
// warnings are returned as values and the caller decides where they go.
//
// It answers to ZooKeeper: QuorumPeerConfig.java, ServerConfig.java,
// QuorumPeer.QuorumServer, and java.util.Properties.
package config
