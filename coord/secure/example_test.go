package secure_test

import (
	"fmt"

	"kafkacoord/coord/secure"
)

// A JAAS file has one section for each part that a process plays.
func ExampleParseJAAS() {
	file, err := secure.ParseJAAS("zookeeper.jaas", []byte(`
		Server {
		    org.apache.zookeeper.server.auth.DigestLoginModule required
		    user_kafka="kafka-secret";
		};`))
	if err != nil {
		fmt.Println(err)
		return
	}
	login, err := file.Login("Server")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(login.Mechanism, login.Where, login.Users)
	_, err = file.Login("QuorumServer")
	fmt.Println(err)
	// Output:
	// DIGEST-MD5 zookeeper.jaas:3 map[kafka:[secret]]
	// secure: No JAAS configuration section named 'QuorumServer' was found in 'zookeeper.jaas'
}
