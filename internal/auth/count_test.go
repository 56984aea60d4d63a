package auth

import (
	"slices"
	"testing"

	"portal"
	"portal/internal/store"
)

// Every budget has a kind by which metrics count it, and none tells whose it is
// or whether somebody has the login ID.
func TestBudgetKinds(t *testing.T) {
	known := budgetKinds()
	for bucket, want := range map[string]string{
		passwordBucketOf("u-1"): "password", "0123456789abcdef0123456789abcdef": "password",
		knownBuckets("password", "u-1") + "ff": "known_browser", knownBuckets("code", "u-1") + "ff": "known_browser",
		codeDay("u-1"): "code", resetBucket("u-1"): "reset", "code/hour/u-1": "code", "code/step-up/s-1": "step_up", "password/step-up/s-1": "step_up",
		(&Service{}).source(portal.Origin{Address: "::1"}).Bucket: "address", "reset/source/::1": "reset",
		"unheard/of": otherBudget,
	} {
		if got := kindOf(bucket); got != want || !slices.Contains(known, got) {
			t.Errorf("%s is of the kind %q, want %q", bucket, got, want)
		}
	}
	var s Service
	for _, budget := range s.codeBudgets("u-1") {
		if kindOf(budget.Bucket) != "code" {
			t.Errorf("%s is of the kind %q", budget.Bucket, kindOf(budget.Bucket))
		}
	}
	if kindOf(s.codeToll(store.HalfSession{UserID: "u-1"}, portal.Origin{}).Common[0].Bucket) != "code" {
		t.Error("a code at sign-in is of another kind")
	}
}
