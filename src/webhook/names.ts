import { field, objectOr, textOr } from '../core/json.ts'
import type { AdmissionRequest } from './admission-review.ts'

type Naming = Pick<AdmissionRequest, 'name' | 'object' | 'oldObject'>

/**
 * The name in the request, or in its objects: requests for the deletion of a collection have no name. Empty for an object
 * that the API server has yet to give a name.
 */
export const nameIn = (request: Naming): string => request.name || inMetadata(request, 'name')

/**
 * What an answer calls the object. One without a name yet is called by its `generateName`, the part of its later name that
 * its author knows.
 */
export const shownName = (request: Naming): string => nameIn(request) || inMetadata(request, 'generateName')

const inMetadata = ({ object, oldObject }: Naming, name: string): string =>
  textOr(field(objectOr(field(objectOr(object ?? oldObject), 'metadata')), name), '')
