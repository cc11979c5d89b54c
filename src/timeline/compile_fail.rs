//! What must not compile, as doc tests: states that cannot be stored. Each stands beside what compiles and differs in that only.

/// A state needs rkyv's derives.
///
/// ```
/// #[derive(Clone, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
/// struct Plain(u64);
/// let open = |path: &str| backstory::Timeline::open(path, || Plain(1));
/// ```
///
/// ```compile_fail,E0277
/// #[derive(Clone, PartialEq)]
/// struct Plain(u64);
/// let open = |path: &str| backstory::Timeline::open(path, || Plain(1));
/// ```
///
/// In memory it needs none.
///
/// ```
/// #[derive(Clone, PartialEq)]
/// struct Plain(u64);
/// assert_eq!(backstory::Timeline::new(Plain(1)).state().0, 1);
/// ```
struct Derives;

/// A map with a hasher that differs from process to process cannot be stored.
///
/// ```
/// type Map = backstory::GenericHashMap<u64, u64, backstory::StrongHash, archery::ArcTK>;
/// let open = |path: &str| backstory::Timeline::open(path, Map::default);
/// ```
///
/// ```compile_fail,E0277
/// type Map = backstory::GenericHashMap<u64, u64, std::hash::RandomState, archery::ArcTK>;
/// let open = |path: &str| backstory::Timeline::open(path, Map::default);
/// ```
struct Hashers;

/// What is in a collection is stored with it, and needs the same.
///
/// ```
/// let open = |path: &str| backstory::Timeline::open(path, || backstory::Vector::unit("text".to_string()));
/// ```
///
/// ```compile_fail,E0277
/// let open = |path: &str| backstory::Timeline::open(path, || backstory::Vector::unit("text"));
/// ```
struct Elements;
