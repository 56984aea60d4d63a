package auth

import (
	"errors"
	"strings"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
)

// countStep counts a step of signing in by what came of it.
func (s *Service) countStep(step meter.Step, earned SignedIn, err error) {
	s.meter.SignIn(step, outcomeOf(earned, err))
}

func outcomeOf(earned SignedIn, err error) meter.Outcome {
	switch code := portal.ErrorCode(err); {
	case err == nil && earned.Half != "":
		return meter.CodeAsked
	case err == nil:
		return meter.SignedIn
	case code == portal.CodeThrottled:
		return meter.Throttled
	case errors.Is(err, seal.ErrBusy):
		return meter.Busy
	case code == portal.CodeUnavailable:
		return meter.Outage
	case code == portal.CodeInternal:
		return meter.Failed
	}
	return meter.Refused
}

// otherBudget is the kind of a budget that has no name here.
const otherBudget = "other"

// budgetsByPrefix names what tries are charged to, as metrics do: the kind, and
// never whose it is. The longest prefix counts.
var budgetsByPrefix = map[string]string{
	"password/": "password", "password/known/": "known_browser", "password/step-up/": "step_up",
	"code/hour/": "code", "code/day/": "code", "code/known/": "known_browser", "code/step-up/": "step_up", "code/reset/": "reset",
	"source/": "address", "confirm/": "set_up", "invitation/": "invitation", "address/": "new_address", "help/": "help",
	"reset/": "reset", "login-id/": "login_id", "export/": "export",
}

// kindOf names the kind of a bucket. The bucket of a login ID that nobody has
// is a digest without a prefix, and of the same kind as somebody's, so that not
// even the metrics tell the two apart.
func kindOf(bucket string) string {
	longest, kind := "", otherBudget
	for prefix, name := range budgetsByPrefix {
		if strings.HasPrefix(bucket, prefix) && len(prefix) > len(longest) {
			longest, kind = prefix, name
		}
	}
	if !strings.Contains(bucket, "/") {
		return "password"
	}
	return kind
}

// budgetKinds are all kinds, each as often as it has prefixes.
func budgetKinds() (kinds []string) {
	for _, kind := range budgetsByPrefix {
		kinds = append(kinds, kind)
	}
	return append(kinds, otherBudget)
}
