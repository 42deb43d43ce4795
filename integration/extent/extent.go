package extent

import "os"

// Variable names the environment variable that asks for the long extent when it
// is set to anything.
const Variable = "KAFKACOORD_LONG"

// Long tells whether the long extent is asked for.
func Long() bool { return os.Getenv(Variable) != "" }

// Of is the number for the extent that is asked for.
func Of(short, long int) int {
	if Long() {
		return long
	}
	return short
}
