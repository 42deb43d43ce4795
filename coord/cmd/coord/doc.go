// Command coord is the server and its tools in one binary:
//
//	coord serve    run a server
//	coord status   ask a server how it is
//	coord bench    measure a server
//	coord kafka    look at a Kafka cluster's metadata, check it, certify servers
//	coord version  print the version
package main
