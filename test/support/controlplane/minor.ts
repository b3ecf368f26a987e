/** The minor of Kubernetes 1 that the tests run on: that which KLEYM_TEST_KUBERNETES names, else the one that test/controlplane pins. */
export const testedMinor = Number((process.env['KLEYM_TEST_KUBERNETES'] || '1.37').split('.')[1])
