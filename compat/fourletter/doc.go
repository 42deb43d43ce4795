// Package fourletter compares the texts of the four-letter words with those of
// a real Java ZooKeeper, alone and as an ensemble of three: each answer of both
// servers is reduced to its template (volatile numbers, addresses and dates
// masked), and the templates must be the same. It holds tests only. What differs
// on purpose is listed with its reason; any other difference is a bug.
package fourletter
