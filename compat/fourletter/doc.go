// Package fourletter compares the texts of the four-letter words with those of
// a real Java ZooKeeper: each answer of both servers is reduced to its template
// (volatile numbers, addresses and dates masked), and the templates must be the
// same. It holds tests only, and no opinion: a difference is a bug.
package fourletter
