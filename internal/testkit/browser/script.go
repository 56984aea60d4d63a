package browser

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The debugger may run expressions where the page may not: neither a content
// security policy nor disabled scripts stop the functions of this file.

// evaluate runs an expression in the document and decodes its value; it waits
// for a promise.
func evaluate[T any](ctx context.Context, expression string) (T, error) {
	answer, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ReturnByValue: new(true), AwaitPromise: new(true),
	})
	return decode[T](answer.Result, answer.ExceptionDetails, err)
}

// invoke calls a function with the node as this and decodes its value.
func invoke[T any](ctx context.Context, id cdp.BackendNodeID, function string, args ...any) (value T, _ error) {
	params := runtime.CallFunctionOnParams{FunctionDeclaration: function, ReturnByValue: new(true)}
	for _, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			return value, err
		}
		params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: text})
	}
	answer, err := call(ctx, id, params)
	return decode[T](answer.Result, answer.ExceptionDetails, err)
}

// reach calls a function with the node as this and returns the node that the
// function returns, 0 for null.
func reach(ctx context.Context, id cdp.BackendNodeID, function string) (cdp.BackendNodeID, error) {
	answer, err := call(ctx, id, runtime.CallFunctionOnParams{FunctionDeclaration: function})
	if err = failure(answer.ExceptionDetails, err); err != nil || answer.Result.ObjectID == "" {
		return 0, err
	}
	return identify(ctx, answer.Result.ObjectID)
}

func call(ctx context.Context, id cdp.BackendNodeID, params runtime.CallFunctionOnParams) (runtime.CallFunctionOnResult, error) {
	node, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return runtime.CallFunctionOnResult{}, err
	}
	params.ObjectID = node.Object.ObjectID
	return chromedp.Call(ctx, runtime.CallFunctionOn, params)
}

// root is the element at the top of the present document.
func root(ctx context.Context) (cdp.BackendNodeID, error) {
	answer, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: `document.documentElement`})
	if err = failure(answer.ExceptionDetails, err); err != nil {
		return 0, err
	}
	return identify(ctx, answer.Result.ObjectID)
}

func identify(ctx context.Context, object runtime.RemoteObjectID) (cdp.BackendNodeID, error) {
	answer, err := chromedp.Call(ctx, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: object})
	if err != nil {
		return 0, err
	}
	return answer.Node.BackendNodeID, nil
}

func decode[T any](result *runtime.RemoteObject, thrown *runtime.ExceptionDetails, err error) (value T, _ error) {
	if err := failure(thrown, err); err != nil {
		return value, err
	}
	if len(result.Value) == 0 {
		return value, nil // undefined
	}
	return value, json.Unmarshal(result.Value, &value)
}

func failure(thrown *runtime.ExceptionDetails, err error) error {
	if err == nil && thrown != nil {
		err = errors.New(exception(thrown))
	}
	return err
}

// exception is the first line of what a script has thrown.
func exception(thrown *runtime.ExceptionDetails) string {
	text := thrown.Text
	if thrown.Exception != nil && thrown.Exception.Description != "" {
		text = thrown.Exception.Description
	}
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(first, "Error: ")
}

// logged is what a script has given to console.error.
func logged(args []*runtime.RemoteObject) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg.Description
		if words[i] == "" {
			words[i] = strings.Trim(arg.Value.String(), `"`)
		}
	}
	return strings.Join(words, " ")
}
