// Command coord is the server and its tools in one binary:
//
//	coord serve    run a server
//	coord status   ask a server how it is
//	coord bench    measure a server
//	coord version  print the version
package main
