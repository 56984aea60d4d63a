package otp

import "crypto/subtle"

// Reach is how many steps Near looks to either side: ten minutes.
const Reach = 20

// Near tells how many steps away from now a code is right that Match calls
// wrong, so that a person can be told what is amiss: below zero where the phone
// is behind, above where it is ahead, 0 where the code is of no step in reach.
// It never makes a code right. Steps up to after, the last accepted one, are
// left out: who repeats a used code learns nothing.
//
// All candidates are computed and compared, in constant time; the nearest wins.
func Near(secret []byte, code string, now, after int64) int {
	if len(secret) < minSecretSize {
		return 0
	}
	found := 0
	for distance := Reach; distance > Skew; distance-- {
		for _, offset := range []int{-distance, distance} {
			equal := subtle.ConstantTimeCompare([]byte(Code(secret, now+int64(offset))), []byte(code))
			found = subtle.ConstantTimeSelect(equal, offset, found)
		}
	}
	if now+int64(found) <= after {
		return 0
	}
	return found
}
