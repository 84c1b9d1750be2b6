package main

import (
	"context"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// writeAccess makes a namespace with roles and bindings, changes every second one and deletes every third. Every step is tried until it is so, as the
// server is restarted meanwhile and an answer may be lost.
func writeAccess(ctx context.Context, client kubernetes.Interface, namespace string, count int) error {
	if err := until(ctx, func() error { return createNamespace(ctx, client, namespace) }); err != nil {
		return err
	}
	for i := range count {
		if err := until(ctx, func() error { return createRole(ctx, client, namespace, nameOf(i)) }); err != nil {
			return err
		}
		if i%2 == 0 {
			if err := until(ctx, func() error { return changeRole(ctx, client, namespace, nameOf(i)) }); err != nil {
				return err
			}
		}
		if i%3 == 0 {
			if err := until(ctx, func() error { return deleteRole(ctx, client, namespace, nameOf(i)) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func nameOf(i int) string { return fmt.Sprintf("role-%04d", i) }

// until tries again while the server is away or something else was faster; what the server refuses for good ends it.
func until(ctx context.Context, step func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		last = step()
		if apierrors.IsInvalid(last) || apierrors.IsBadRequest(last) || apierrors.IsUnsupportedMediaType(last) || apierrors.IsForbidden(last) {
			return false, last
		}
		return last == nil, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w (last answer: %w)", err, last)
	}
	return err
}

func createNamespace(ctx context.Context, client kubernetes.Interface, name string) error {
	_, err := client.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name}}, meta.CreateOptions{})
	return unless(err, apierrors.IsAlreadyExists)
}

func createRole(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	role := &rbac.Role{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Rules:      []rbac.PolicyRule{{APIGroups: []string{"slipway.dev"}, Resources: []string{"syncs"}, Verbs: []string{"get"}}},
	}
	if _, err := client.RbacV1().Roles(namespace).Create(ctx, role, meta.CreateOptions{}); unless(err, apierrors.IsAlreadyExists) != nil {
		return err
	}
	binding := &rbac.RoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Subjects:   []rbac.Subject{{Kind: rbac.UserKind, APIGroup: rbac.GroupName, Name: "somebody"}},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: name},
	}
	_, err := client.RbacV1().RoleBindings(namespace).Create(ctx, binding, meta.CreateOptions{})
	return unless(err, apierrors.IsAlreadyExists)
}

func changeRole(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	role, err := client.RbacV1().Roles(namespace).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return err
	}
	role.Rules[0].Verbs = []string{"get", "list"}
	_, err = client.RbacV1().Roles(namespace).Update(ctx, role, meta.UpdateOptions{})
	return err
}

func deleteRole(ctx context.Context, client kubernetes.Interface, namespace, name string) error {
	if err := client.RbacV1().RoleBindings(namespace).Delete(ctx, name, meta.DeleteOptions{}); unless(err, apierrors.IsNotFound) != nil {
		return err
	}
	return unless(client.RbacV1().Roles(namespace).Delete(ctx, name, meta.DeleteOptions{}), apierrors.IsNotFound)
}

// unless forgives an error that says that the step was done already.
func unless(err error, done func(error) bool) error {
	if done(err) {
		return nil
	}
	return err
}
