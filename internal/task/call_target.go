package task

import (
	"errors"
	"fmt"
	"strings"

	"meridian/internal/awsapi/model"
	"meridian/pkg/protocol"
)

// lookUpOperation returns the operation of a target, or what is wrong with it.
func lookUpOperation(target string) (op *model.Operation, problem string) {
	service, name, err := model.Split(target)
	if err != nil {
		return nil, "want an operation, such as ec2:DescribeVpcs" + asWritten(target)
	}
	op, err = model.Lookup(service, name)
	if unknown, ok := errors.AsType[model.UnknownError](err); ok {
		switch hint := asWritten(target); {
		case hint != "":
			return nil, "is not an operation" + hint
		case unknown.Operation == "":
			return nil, protocol.UnknownFault("", service, "an operation: "+service+" is not a service", model.Services()).Detail
		case unknown.Nearest != "":
			return nil, fmt.Sprintf("is not an operation of %s; did you mean %q?", service, service+":"+unknown.Nearest)
		}
		return nil, fmt.Sprintf("is not an operation of %s", service)
	}
	if err != nil {
		return nil, err.Error()
	}
	if refused := op.Refused(); refused != "" {
		return nil, "cannot be called: " + refused
	}
	return op, ""
}

// asWritten returns a hint for a name in the spelling of the AWS CLI, such as
// "ec2 describe-instances", or "".
func asWritten(target string) (hint string) {
	service, name, ok := strings.Cut(strings.Join(strings.FieldsFunc(target, func(r rune) bool {
		return r == ' ' || r == ':' || r == '.'
	}), " "), " ")
	if !ok {
		return ""
	}
	service = strings.ToLower(service)
	for _, operation := range model.Operations(service) {
		if strings.EqualFold(operation, strings.NewReplacer("-", "", " ", "").Replace(name)) {
			return fmt.Sprintf("; write %q", service+":"+operation)
		}
	}
	return ""
}
